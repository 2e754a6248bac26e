/** The process environment, or a test's. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Substituted {
  readonly text: string;
  /** What could not be put in, in sentences without any value. */
  readonly errors: readonly string[];
}

// `$${` is a literal `${`; then `${NAME}`, `${NAME:-default}`; then a `${` that is neither.
const REFERENCE = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{/g;

/**
 * Puts the environment into one text. It is done after parsing, to each text by itself, so that a value can hold any
 * character and never becomes YAML. As in a shell, `:-` gives the default for an unset or empty variable.
 */
export const substitute = (text: string, env: Environment): Substituted => {
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
      if (value === undefined) errors.push(`the environment variable ${name} is not set`);
      return value ?? '';
    },
  );
  return { text: replaced, errors };
};
