import { z } from 'zod';
import type { SchemaContext } from '../config/context.ts';
import { ALWAYS, bool, choice, field, orVariable, path, refuse, setting, text } from '../config/fields.ts';
import { isToken } from '../envelope/check.ts';
import { DIALECTS, type DialectName } from './action-policy/dialects.ts';
import { limit } from './limits/limit-config.ts';
import { callerEntry } from './rules/callers.ts';
import { rule } from './rules/rule-config.ts';

/** Those of nodes that are there today. */
const isOfNodes = (name: string): name is DialectName => Object.hasOwn(DIALECTS, name) && name !== 'puppet';
const NODES_DIALECTS: readonly DialectName[] = Object.keys(DIALECTS).filter(isOfNodes);

const groups = () =>
  z.record(
    z.string().refine(isToken, { params: { allowed: 'the name of a group: letters, digits, "_" and "-"' } }),
    z.array(callerEntry()).min(1),
  );

const groupsSetting = () => setting('names for several callers, and for other groups', groups().default({}));

const rules = () => z.array(rule()).min(1);

const ABOUT_RULES = 'the rules, of which the first that fits decides; what none fits is refused';

/** What a file of rules holds. */
export const rulesFile = () =>
  z.strictObject({ groups: groupsSetting(), rules: setting(ABOUT_RULES, rules()) });

const actionPolicy = (context: SchemaContext) =>
  z.strictObject({
    folder: setting('the folder of the .policy files', path(context.resolve)),
    dialect: setting(
      'whose reading of them counts',
      field(
        NODES_DIALECTS.map((name) => JSON.stringify(name)).join(', '),
        (value) => NODES_DIALECTS.find((name) => name === value),
        orVariable({ enum: NODES_DIALECTS }),
      ),
    ),
    allow_unconfigured: setting('whether agents without a file may be asked', bool().default(false)),
    enable_default: setting('whether such agents have the default file', bool().default(false)),
    default_name: setting(
      'the name of the default file, without .policy',
      text('the name of a file without its folder', isToken).default('default'),
    ),
    unknown: setting(
      'what is said where a line depends on what only the node knows',
      choice(['defer', 'deny']).default('defer'),
    ),
    strict: setting(
      'whether lines that the originals ignore are errors, and not warnings',
      bool().default(true),
    ),
  });

export type ActionPolicyConfig = z.output<ReturnType<typeof actionPolicy>>;

/** A policy of the configuration; files of rules are named by absolute paths. */
export const policy = (context: SchemaContext) =>
  z
    .strictObject({
      rules: setting(ABOUT_RULES, rules().optional()),
      files: setting(
        'files with further rules, which come after those written here, in this order',
        z.array(path(context.resolve)).min(1).optional(),
      ),
      action_policy: setting(
        "the policy files of nodes' own ActionPolicy, in place of rules",
        actionPolicy(context).optional(),
      ),
      groups: groupsSetting(),
      limits: setting(
        'how much may be asked in a while, of what the rules let pass; each instance counts by itself',
        z.array(limit()).default([]),
      ),
      shadow: setting(
        'whether it refuses nothing, and what it would refuse is logged, counted and audited',
        bool().default(false),
      ),
    })
    .superRefine((it, context) => {
      const isRules = it.rules !== undefined || it.files !== undefined;
      if (!isRules && it.action_policy === undefined)
        refuse(context, [], 'has no rules: give rules, files or action_policy');
      if (isRules && it.action_policy !== undefined)
        refuse(context, ['action_policy'], 'contradicts rules and files: leave it out, or them');
    }, ALWAYS);

export type PolicyConfig = z.output<ReturnType<typeof policy>>;
