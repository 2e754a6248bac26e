/** The process environment, or a test's. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Substituted {
  readonly text: string;
  /** What could not be put in, in sentences without any value. */
  readonly errors: readonly string[];
}

// `$${` is a literal `${`; then `${NAME}`, `${NAME:-default}`; then a `${` that is neither.
const REFERENCE = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{/g;

/** A text that is all a shell's `$NAME`, or `$$NAME` for the text itself. */
const BARE = /^(\$?)\$([A-Za-z_]\w*)$/;
/** The same within a text. There it has to look like a variable, in capitals, because a `$` may stand in any text. */
const BARE_WITHIN = /(?<![\w$])\$([A-Z_][A-Z0-9_]{2,})(?!\w)/;
const COMMAND = /^\$\(.*\)$/s;

/**
 * Puts the environment into one text. It is done after parsing, to each text by itself, so that a value can hold any
 * character and never becomes YAML. As in a shell, `:-` gives the default for an unset or empty variable.
 */
export const substitute = (text: string, env: Environment): Substituted => {
  const [, dollar, whole] = BARE.exec(text) ?? [];
  if (dollar === '$') return { text: text.slice(1), errors: [] };
  const bare = whole ?? BARE_WITHIN.exec(text)?.[1];
  if (bare !== undefined) {
    const literal = whole === undefined ? '' : `, and $$${bare} for this very text`;
    return { text, errors: [`a variable is written \${${bare}} here, in braces${literal}`] };
  }
  if (COMMAND.test(text))
    return {
      text,
      errors: [`$(…) runs no command here; put its output into a variable, and write \${NAME}`],
    };
  const errors: string[] = [];
  const replaced = text.replace(
    REFERENCE,
    (whole: string, name: string | undefined, fallback: string | undefined) => {
      if (whole === '$${') return '${';
      if (name === undefined) {
        errors.push(`a \${ that is not \${NAME} or \${NAME:-default}; for a literal \${ write $\${`);
        return '';
      }
      const value = env[name];
      if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
      if (value !== undefined && value !== '' && value.trim() === '')
        errors.push(`the environment variable ${name} holds only spaces; \${${name}:-} where none is meant`);
      if (value === undefined) errors.push(`the environment variable ${name} is not set`);
      if (value === '')
        errors.push(`the environment variable ${name} is set but empty; \${${name}:-} where that is meant`);
      return value ?? '';
    },
  );
  return { text: replaced, errors };
};
