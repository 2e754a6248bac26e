/** What both sides of the benchmark of WebSockets know. */
export const SUBJECT = 'bench.websocket';
/** An agent that very many nodes answer for. */
export const MANY = 'many';
export const MANY_REPLIES = 10_000;
/** What a node says. */
export const ANSWER = 'x'.repeat(200);
