const wordsIn = (text) => text.split(/\s+/).filter(Boolean);

const FACT = /^([^=!<>]+?)(==|=~|!=|<=|>=|<|>|=)(.+)$/;

const factOf = (word) => {
  const [, fact, operator, value] = FACT.exec(word) ?? [];
  if (fact === undefined) throw new Error(`${word} is no fact such as country=uk or cores>=4`);
  return { fact, operator: operator === '=' ? '==' : operator, value };
};

/** What the fields of the filter say. @throws Error with a sentence */
export const filterOf = ({ facts, classes, compound }) => {
  const expression = compound.trim();
  return {
    fact: wordsIn(facts).map(factOf),
    cf_class: wordsIn(classes),
    compound: expression === '' ? [] : [expression],
  };
};

/** The inputs of an action. @throws Error with a sentence */
export const inputsOf = (text) => {
  if (text.trim() === '') return {};
  let inputs;
  try {
    inputs = JSON.parse(text);
  } catch (error) {
    throw new Error(`The inputs are no JSON: ${error.message}`);
  }
  if (inputs === null || typeof inputs !== 'object' || Array.isArray(inputs))
    throw new Error('The inputs are to be an object such as {"service": "ntp"}');
  return inputs;
};

const secondsOf = (text) => {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1) throw new Error(`${text} is no number of seconds`);
  return seconds;
};

/** What is asked of whom. @throws Error with a sentence */
export const questionOf = (form, picked) => {
  const { collective, everybody } = form;
  const [agent, action] = [form.agent.trim(), form.action.trim()];
  if (agent === '' || action === '') throw new Error('Which agent is asked, and for which action?');
  if (!everybody && picked.length === 0)
    throw new Error('Nobody is asked: pick nodes, or say that all are asked whom the filter matches.');
  const whom = everybody ? { filter: filterOf(form) } : { targets: picked };
  return { collective, agent, action, data: inputsOf(form.inputs), ...whom };
};

/** The same, with how long it lasts and how many are asked at a time. @throws Error with a sentence */
export const callOf = (form, picked) => {
  const question = questionOf(form, picked);
  const batch = form.everybody || form.batch.trim() === '' ? {} : { batch: Number(form.batch) };
  return { ...question, ttl: secondsOf(form.ttl), ...batch };
};
