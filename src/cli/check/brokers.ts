import { requirementsOf } from '../../app/requirements.ts';
import type { Checklist } from '../../config/checklist.ts';
import { fileReader } from '../../config/files.ts';
import type { KeyPath } from '../../config/problem.ts';
import { ingressesFirst, pathOf, type Side } from '../../setup/sides.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { type Link, LinkError, type Right } from '../../transport/link.ts';
import type { Requirement } from '../../transport/requirement.ts';
import { BROKERS } from '../../transport/transports.ts';

interface Attempt {
  readonly path: KeyPath;
  readonly url: string;
  readonly create: () => Link;
  readonly requirements: readonly Requirement[];
  /** What to write into the broker's configuration. */
  readonly grant: (right: Right) => string;
}

/** A right that is missing, or could not be asked for. */
interface Missing {
  readonly requirement: Requirement;
  readonly error: LinkError;
}

type Outcome =
  | { readonly kind: 'closed'; readonly error: Error }
  | { readonly kind: 'open'; readonly missing: readonly Missing[] };

/**
 * Connects to every server by itself, logs in and asks for each right that the bridge will use; a pool hides from the user
 * that one of it is dead.
 */
export const checkBrokers = async (list: Checklist, loaded: LoadedConfig): Promise<void> => {
  const attempts = ingressesFirst(loaded.config).flatMap((side) => attemptsOf(list, loaded, side));
  const outcomes = await Promise.all(attempts.map(tryIt));
  for (const [index, attempt] of attempts.entries()) {
    const outcome = outcomes[index];
    if (outcome !== undefined) tell(list, attempt, outcome);
  }
};

const tell = (list: Checklist, { path, url, requirements, grant }: Attempt, outcome: Outcome): void => {
  if (outcome.kind === 'closed') {
    const { error } = outcome;
    const mend = error instanceof LinkError ? error.hint() : undefined;
    list.problem(path, describe(url, error), mend ?? 'check that this port speaks the protocol of the URL');
    return;
  }
  for (const { requirement, error } of outcome.missing) {
    const { purpose, right } = requirement;
    list.problem(
      path,
      `${describe(url, error)}; it is needed to ${purpose}`,
      `let this user do so on the broker: ${grant({ ...right, destination: requirement.grant })}`,
    );
  }
  if (outcome.missing.length > 0) return;
  const rights =
    requirements.length === 0 ? '' : ` and grants all rights that it needs (${requirements.length})`;
  list.ok(path, `${url} lets the bridge in${rights}`);
};

const describe = (url: string, error: Error): string =>
  error.message.includes(url) ? error.message : `${url}: ${error.message}`;

const tryIt = async ({ create, requirements }: Attempt): Promise<Outcome> => {
  let link: Link | undefined;
  try {
    link = create();
    await link.open();
    const missing: Missing[] = [];
    for (const requirement of requirements) {
      if (!link.state().up) {
        // A broker may end the connection with its refusal.
        await link.close();
        link = create();
        await link.open();
      }
      const error = await refusalOf(link, requirement);
      if (error !== undefined) missing.push({ requirement, error });
    }
    return { kind: 'open', missing };
  } catch (error) {
    return { kind: 'closed', error: error instanceof Error ? error : new Error(String(error)) };
  } finally {
    await link?.close();
  }
};

const refusalOf = async (link: Link, { right }: Requirement): Promise<LinkError | undefined> => {
  try {
    await link.prove?.(right);
    return undefined;
  } catch (error) {
    if (error instanceof LinkError) return error;
    throw error;
  }
};

// A failure comes out of open(); what else happens on a link that lives for a moment is of no interest.
const ignore = (): void => {};

const attemptsOf = (list: Checklist, loaded: LoadedConfig, side: Side): readonly Attempt[] => {
  const { adapter } = side;
  const path = pathOf(side);
  if (list.hasProblem([...path, 'tls'])) {
    list.skipped([...path, 'servers'], 'not tried, because of the problems with tls');
    return [];
  }
  const requirements = requirementsOf(side, loaded.config);
  const spec = adapter.link(loaded.config, fileReader(loaded));
  return spec.servers.map((url, index) => ({
    path: [...path, 'servers', index],
    url,
    create: () => BROKERS.open(spec.alone(index), { failFast: true, onEvent: ignore }),
    requirements,
    grant: (right) => spec.grantOf(right),
  }));
};
