import { ask } from './asking.js';
import { html } from './html.js';
import { Component } from './vendor/preact.js';
import { clockTime, ms, verdictWords, whatCall, whoseCall } from './words.js';

const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

const Fact = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`;

const List = ({ title, items }) =>
  items.length > 0 &&
  html`
    <h3>${title}</h3>
    <ul>
      ${items.map((item) => html`<li>${item}</li>`)}
    </ul>
  `;

const ANSWERS = { ok: 'ok', failed: 'failed', refused: 'refused', unread: 'passed on' };

/** Nodes that were named and have not answered by this instance. */
const unheardOf = ({ nodes, answers }) => {
  const heard = new Set(answers.map(({ node }) => node));
  return nodes.filter((node) => !heard.has(node));
};

const Opened = ({ detail }) => {
  const { line, requestId, requestTime, sender, data, filter, hops = [], answers, refused } = detail;
  const made = requestTime === undefined ? '' : `, made at ${clockTime(requestTime)}`;
  return html`
    <dl>
      <${Fact} name="Call">${whatCall(line)} in ${line.collective}<//>
      <${Fact} name="Caller">${whoseCall(line)}<//>
      <${Fact} name="Sender">${sender}${made}<//>
      <${Fact} name="Route">${line.ingress} → ${line.egress ?? '–'}<//>
      <${Fact} name="Verdict">${verdictWords(line.verdict)}${line.rule && ` by ${line.rule}`}${line.reason && `: ${line.reason}`}${line.code && html` <code>${line.code}</code>`}<//>
      <${Fact} name="Flow"><code>${line.id}</code><//>
      <${Fact} name="Request id"><code>${requestId}</code><//>
    </dl>
    ${data && html`<h3>Inputs</h3><pre tabindex="0" role="region" aria-label="Inputs">${pretty(data)}</pre>`}
    ${filter && html`<h3>Filter</h3><pre tabindex="0" role="region" aria-label="Filter">${JSON.stringify(filter, null, 2)}</pre>`}
    <${List} title="Hops" items=${hops.map((hop) => hop.join(' → '))} />
    <${List} title="Replies" items=${answers.map(({ node, result, after }) => `${node ?? 'a node'}: ${ANSWERS[result]}, after ${ms(after)}`)} />
    <${List} title="Refused replies" items=${refused.map(({ node, code, sentence }) => html`${node ?? 'a node'}: ${sentence} <code>${code}</code>`)} />
    <${List} title="No reply yet" items=${unheardOf(detail)} />
    <${Wires} ...${detail} />
  `;
};

/** A message's tree, a line for each layer and what is in it. */
const Wire = ({ title, message, more }) => html`
  <figure>
    <figcaption>${title} by ${message.link}, ${message.bytes} bytes${more}</figcaption>
    <pre tabindex="0" role="region" aria-label=${title}>${
      message.lines === undefined
        ? 'It is too long to be kept.'
        : message.lines.map(
            (line) =>
              html`${line.map(({ text, tone }) => html`<span class=${`tone-${tone}`}>${text}</span>`)}${'\n'}`,
          )
    }</pre>
  </figure>
`;

const Wires = ({ came, sent, sentMessages }) =>
  (came || sent) &&
  html`
    <h3>On the wire</h3>
    <div class="wires">
      ${came && html`<${Wire} title="As it came" message=${came} more="" />`}
      ${sent && html`<${Wire} title="As it went out" message=${sent} more=${sentMessages > 1 ? `, the first of ${sentMessages} messages` : ''} />`}
    </div>
  `;

/** One request, opened. It is asked for anew where its line has changed. */
export class OpenedRequest extends Component {
  state = { detail: undefined, problem: undefined };

  componentDidMount() {
    this.ask();
    this.title?.focus();
  }

  componentDidUpdate({ id, line }) {
    if (id !== this.props.id || line !== this.props.line) this.ask();
  }

  async ask() {
    const { id } = this.props;
    try {
      const response = await ask(`request?id=${encodeURIComponent(id)}`);
      const next = response.ok
        ? { detail: await response.json(), problem: undefined }
        : { problem: await response.text() };
      if (id === this.props.id) this.setState(next);
    } catch {
      this.setState({ problem: 'The bridge does not answer.' });
    }
  }

  render({ onClose }, { detail, problem }) {
    return html`
      <section class="opened" aria-labelledby="opened-title">
        <div class="tools">
          <h2
            id="opened-title"
            tabindex="-1"
            ref=${(title) => {
              this.title = title;
            }}
          >
            One request
          </h2>
          <button type="button" onClick=${onClose}>Close</button>
        </div>
        ${problem && html`<p class="bad">${problem}</p>`}${detail && html`<${Opened} detail=${detail} />`}
      </section>
    `;
  }
}
