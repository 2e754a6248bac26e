import { html } from './html.js';
import { Component } from './vendor/preact.js';

/** What is drawn of a call: rows, and characters of what a node has said; all of it is in the JSON. */
const MOST_ROWS = 200;
const MOST_CHARS = 2_000;

const ENDS = {
  complete: 'all have answered',
  ttl: 'its time is over',
  cancelled: 'cancelled',
  refused: 'the rest was refused',
  lost: 'nobody waits for more',
};

const howFar = ({ replies, heard, failed, missed, nodes, done }) => {
  const of = nodes === undefined ? '' : ` of ${nodes.length}`;
  const parts = [`${heard.size}${of} answered`];
  if (replies.length > heard.size) parts.push(`${replies.length - heard.size} further replies of them`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (missed > 0) parts.push(`${missed} were dropped`);
  const end = done === undefined ? 'waiting …' : ENDS[done.end];
  return `${parts.join(', ')}: ${end}${done?.error === undefined ? '' : ` (${done.error})`}`;
};

const shown = (data) => {
  const text = JSON.stringify(data);
  return text.length <= MOST_CHARS ? text : `${text.slice(0, MOST_CHARS)} …`;
};

const Row = ({ reply: { sender, statuscode, statusmsg, data } }) => html`
  <tr class=${statuscode === 0 ? '' : 'stopped'}>
    <td>${sender}</td>
    <td>${statuscode === 0 ? 'ok' : `${statuscode}: ${statusmsg}`}</td>
    <td><code>${shown(data)}</code></td>
  </tr>
`;

/** Replies do not change, so it is drawn anew only where there are more of them to be seen. */
class Answers extends Component {
  shouldComponentUpdate({ replies, count }) {
    return replies !== this.props.replies || count !== this.props.count;
  }

  render({ replies, count }) {
    return html`
      <div class="wide high" tabindex="0" role="region" aria-label="Answers">
        <table>
          <thead>
            <tr><th scope="col">Node</th><th scope="col">Status</th><th scope="col">Data</th></tr>
          </thead>
          <tbody>${replies.slice(0, count).map((reply) => html`<${Row} key=${reply.seq} reply=${reply} />`)}</tbody>
        </table>
      </div>
    `;
  }
}

/** A call as it goes on: who has answered what, and who has not. */
export const Replies = ({ call, onCancel, onCopy }) => {
  const { question, replies, nodes, done } = call;
  const unheard = done?.unheard ?? [];
  return html`
    <h3>${question.agent}.${question.action} in ${question.collective}</h3>
    <div class="tools">
      ${nodes !== undefined && html`<progress max=${nodes.length} value=${call.heard.size} aria-label="nodes that have answered" />`}
      <span role="status">${howFar(call)}</span>
      ${done === undefined && html`<button type="button" onClick=${onCancel}>Cancel</button>`}
      <button type="button" onClick=${onCopy}>Copy as JSON</button>
    </div>
    ${unheard.length > 0 && html`<p class="bad">No answer of ${unheard.slice(0, MOST_ROWS).join(', ')}</p>`}
    <${Answers} replies=${replies} count=${Math.min(replies.length, MOST_ROWS)} />
    ${replies.length > MOST_ROWS && html`<p class="help">The first ${MOST_ROWS} are shown; the JSON has all.</p>`}
  `;
};

/** All of a call, as it is copied. */
export const asJson = ({ question, replies, nodes, missed, done }) =>
  JSON.stringify(
    { question, nodes, replies: replies.map(({ kind: _, ...reply }) => reply), missed, ...done },
    null,
    2,
  );
