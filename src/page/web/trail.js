import { FILTER_PARTS, matches } from './filter.js';
import { html } from './html.js';
import { clockTime, isStopped, ms, verdictWords, whatCall, whoseCall } from './words.js';

/** Rows that are drawn. */
const MOST_ROWS = 200;

const Replies = ({ line }) => {
  const { ok, failed, refused, unread } = line.replies;
  const more = [
    [failed, 'failed'],
    [refused, 'refused'],
    [unread, 'passed on'],
  ].flatMap(([count, words]) => (count > 0 ? [`${count} ${words}`] : []));
  const words = [`${ok} ok`, ...more].join(', ');
  const isCounted = typeof line.targets === 'number';
  return html`
    ${isCounted && html`<progress max=${line.targets} value=${ok + failed + refused + unread} aria-label=${`replies: ${words} of ${line.targets}`} />`}
    <span class=${failed + refused > 0 ? 'bad' : ''}>${words}</span>
  `;
};

const Row = ({ line, isOpen, onOpen }) => html`
  <tr class=${isStopped(line) ? 'stopped' : ''}>
    <td>
      <button type="button" aria-expanded=${isOpen ? 'true' : 'false'} onClick=${() => onOpen(isOpen ? undefined : line.id)}>
        <time datetime=${new Date(line.time).toISOString()}>${clockTime(line.time)}</time>
      </button>
    </td>
    <td>${whoseCall(line)}</td>
    <td>${whatCall(line)}</td>
    <td>${line.collective}</td>
    <td>${line.ingress} → ${line.egress ?? '–'}</td>
    <td class="verdict">
      ${verdictWords(line.verdict)}${line.rule && ` by ${line.rule}`}${isStopped(line) && line.code && html` <code>${line.code}</code>`}
    </td>
    <td class="number">${line.targets}</td>
    <td class="replies"><${Replies} line=${line} />${line.done ? '' : ' …'}</td>
    <td class="number">${ms(line.took)}</td>
  </tr>
`;

const HEADS = ['Time', 'Caller', 'Call', 'Collective', 'Route', 'Verdict', 'Targets', 'Replies', 'Took'];

/** The last requests, one line each. */
export const Trail = ({ lines, missed, view, change }) => {
  const found = lines.toReversed().filter((line) => matches(line, view.filter));
  return html`
    <section aria-labelledby="trail-title">
      <h2 id="trail-title">Requests</h2>
      <div class="tools">
        <label for="filter">Filter</label>
        <input
          id="filter"
          type="search"
          spellcheck=${false}
          placeholder="caller:alice verdict:denied"
          aria-describedby="filter-help"
          value=${view.filter}
          onInput=${({ target }) => change({ filter: target.value })}
        />
        <button type="button" aria-pressed=${view.held === undefined ? 'false' : 'true'} onClick=${() => change({ held: view.held === undefined ? lines : undefined })}>
          Hold
        </button>
        <span role="status">${found.length} of ${lines.length} requests${missed > 0 && `, ${missed} came too fast to be shown`}</span>
      </div>
      <p id="filter-help" class="help">Words that a line has, or part:word with ${FILTER_PARTS.join(', ')}.</p>
      <div class="wide high" tabindex="0" role="region" aria-label="Requests, the table">
        <table>
          <thead>
            <tr>
              ${HEADS.map((head) => html`<th scope="col" class=${['Targets', 'Took'].includes(head) ? 'number' : ''}>${head}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${found
              .slice(0, MOST_ROWS)
              .map(
                (line) =>
                  html`<${Row} key=${line.id} line=${line} isOpen=${view.open === line.id} onOpen=${(open) => change({ open })} />`,
              )}
          </tbody>
        </table>
      </div>
    </section>
  `;
};
