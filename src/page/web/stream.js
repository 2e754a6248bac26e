import { ask } from './asking.js';

/** Ms until it is asked anew, at least; as much again by chance, so that not all pages come at once. */
const AGAIN_MS = 1_000;
/** Who it is was not proven, or he may not see it: asking anew would change nothing. */
const FINAL = [401, 403];

const fieldsOf = (block) =>
  Object.fromEntries(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );

/** Blocks of text between empty lines, as they come. */
async function* blocksOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = `${rest}${value}`.split('\n\n');
    rest = blocks.pop();
    yield* blocks;
  }
}

const later = () => new Promise((resolve) => setTimeout(resolve, AGAIN_MS * (1 + Math.random())));

/**
 * The server-sent events, with a header for the token, which `EventSource` has none for. It comes anew when the stream ends, and says
 * what it has seen last.
 * @param told each event; `opened`: from now on they come; `lost`: they do not, and why where that is known; `refused`: the end of it
 * @returns ends it
 */
export const follow = ({ opened, told, lost, refused }) => {
  const over = new AbortController();
  const { signal } = over;
  let last;

  /** @returns why there is none */
  const once = async () => {
    const headers = last === undefined ? {} : { 'last-event-id': last };
    const response = await ask('events', { headers, signal });
    if (!response.ok) return { status: response.status, sentence: await response.text() };
    opened();
    for await (const block of blocksOf(response.body)) {
      const { id = last, event, data } = fieldsOf(block);
      last = id;
      told(event, JSON.parse(data));
    }
    return {};
  };

  const always = async () => {
    while (!signal.aborted) {
      const { status, sentence } = await once().catch(() => ({}));
      if (signal.aborted) return;
      if (FINAL.includes(status)) return refused(sentence);
      lost(sentence);
      await later();
    }
  };
  void always();
  return () => over.abort();
};
