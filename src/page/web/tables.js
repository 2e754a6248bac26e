import { html } from './html.js';
import { clockTime, span } from './words.js';

/** A table in a part of its own, which is there only where it has rows. */
const Part = ({ id, title, heads, rows }) =>
  rows.length > 0 &&
  html`
    <section aria-labelledby=${id}>
      <h2 id=${id}>${title}</h2>
      <div class="wide" tabindex="0" role="region" aria-label=${`${title}, the table`}>
        <table>
          <thead>
            <tr>
              ${heads.map((head) => html`<th scope="col">${head}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}
          </tbody>
        </table>
      </div>
    </section>
  `;

const share = (part, whole) => (whole === 0 ? 0 : Math.round((part / whole) * 100));

const sideWords = ({ egresses, nodes, only, error }, all) => html`
  ${egresses.join(', ')}: ${nodes} ${nodes === 1 ? 'node' : 'nodes'}, ${only} there alone
  <meter min="0" max=${Math.max(1, all)} value=${nodes} aria-label=${`${egresses.join(', ')}: ${share(nodes, all)} % of all nodes`}></meter>
  ${share(nodes, all)} %${error && html` <span class="bad">${error}</span>`}
`;

/** Where nodes live, and how far they have moved. */
export const Fleets = ({ fleets }) => html`
  <${Part}
    id="nodes-title"
    title="Nodes"
    heads=${['Collective', 'Nodes', 'On several sides', 'By side']}
    rows=${fleets.map(({ collective, nodes, both, sides }) => [
      collective,
      nodes,
      both,
      sides.map((side) => html`<div key=${side.type}>${sideWords(side, nodes)}</div>`),
    ])}
  />
`;

/** What was refused, by reason. */
export const Refusals = ({ refusals }) => html`
  <${Part}
    id="refusals-title"
    title="Refused"
    heads=${['Reason', 'How often', 'Last', 'Why']}
    rows=${refusals.map(({ reason, count, at, last }) => [html`<code>${reason}</code>`, count, clockTime(at), last[0]?.sentence ?? '–'])}
  />
`;

const DAY = 86_400;
/** Days before its end from which on a certificate is to be renewed, and is late. */
const SOON = 30;
const LATE = 7;

const leftOf = (expires, now) => (Date.parse(expires) - Date.parse(now)) / 1000;

const endWords = (seconds) => {
  const words = seconds <= 0 ? `ended ${span(seconds)} ago` : `ends in ${span(seconds)}`;
  return html`<span class=${seconds <= LATE * DAY ? 'bad' : ''}>${words}</span>`;
};

/** Those that end soon, the first one first. */
export const Certificates = ({ certificates, now }) => {
  const ending = certificates
    .map((it) => ({ ...it, left: leftOf(it.expires, now) }))
    .filter(({ left }) => left <= SOON * DAY)
    .toSorted((a, b) => a.left - b.left);
  return html`
    <${Part}
      id="certificates-title"
      title="Certificates that end soon"
      heads=${['Of', 'File', 'End']}
      rows=${ending.map(({ link, file, left }) => [link, file, endWords(left)])}
    />
  `;
};

/** What other instances of the cluster say of themselves. */
export const Others = ({ others, now }) => html`
  <${Part}
    id="others-title"
    title="Other instances"
    heads=${['Instance', 'State', 'Requests', 'Replies', 'Refused', 'In flight', 'Version', 'Heard']}
    rows=${others.map(({ instance, said, heard }) => [
      instance,
      html`<span class=${said?.status === 'OK' ? 'good' : 'bad'}>${said?.status ?? 'unknown'}</span>`,
      said?.requests ?? '–',
      said?.replies ?? '–',
      said?.refused ?? '–',
      said?.inFlight ?? '–',
      said?.version ?? '–',
      `${span((Date.parse(now) - heard) / 1000)} ago`,
    ])}
  />
`;
