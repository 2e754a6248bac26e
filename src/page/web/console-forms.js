import { html } from './html.js';
import { Component } from './vendor/preact.js';

/** Nodes that can be picked one by one. */
const MOST_BOXES = 500;

const Text = ({ id, label, value, onText, help, ...more }) => html`
  <p class="field">
    <label for=${`console-${id}`}>${label}</label>
    <input
      id=${`console-${id}`}
      type="text"
      autocomplete="off"
      spellcheck=${false}
      value=${value}
      placeholder=${help}
      onInput=${({ target }) => onText(target.value)}
      ...${more}
    />
  </p>
`;

const Choice = ({ id, label, value, options, onText }) => html`
  <p class="field">
    <label for=${`console-${id}`}>${label}</label>
    <select id=${`console-${id}`} value=${value} onChange=${({ target }) => onText(target.value)}>
      ${options.map((option) => html`<option value=${option}>${option}</option>`)}
    </select>
  </p>
`;

/** Who it is: a token that is pasted. */
export const Login = ({ consoles, ingress, token, isBusy, change, onSubmit }) => html`
  <form
    onSubmit=${(event) => {
      event.preventDefault();
      onSubmit();
    }}
  >
    <div class="fields">
      ${consoles.length > 1 && html`<${Choice} id="ingress" label="Ingress" value=${ingress} options=${consoles.map((it) => it.ingress)} onText=${(ingress) => change({ ingress })} />`}
      <${Text} id="token" label="Token" type="password" value=${token} onText=${(token) => change({ token: token.trim() })} aria-describedby="console-token-help" />
      <button type="submit" disabled=${isBusy}>Connect</button>
    </div>
    <p id="console-token-help" class="help">
      It stays in the memory of this page until you disconnect or close it. Without one, a certificate of the browser or a proxy before the ingress says who you are.
    </p>
  </form>
`;

/** Not drawn anew while replies come. */
class Nodes extends Component {
  shouldComponentUpdate({ nodes, picked }) {
    return nodes !== this.props.nodes || picked !== this.props.picked;
  }

  render({ nodes, picked, onPick }) {
    return html`
      <fieldset>
        <legend>${picked.size} of ${nodes.length} nodes are picked</legend>
        <div class="tools">
          <button type="button" onClick=${() => onPick(new Set(nodes))}>All of them</button>
          <button type="button" onClick=${() => onPick(new Set())}>None</button>
        </div>
        <div class="boxes">
          ${nodes.slice(0, MOST_BOXES).map((node) => {
            const toggle = () => {
              const next = new Set(picked);
              if (!next.delete(node)) next.add(node);
              onPick(next);
            };
            return html`<label key=${node}><input type="checkbox" checked=${picked.has(node)} onChange=${toggle} /> ${node}</label>`;
          })}
        </div>
        ${nodes.length > MOST_BOXES && html`<p class="help">${nodes.length - MOST_BOXES} more are picked by “All of them” only.</p>`}
      </fieldset>
    `;
  }
}

/** Which nodes are meant, and which of them are asked. */
export const Whom = ({ form, collectives, nodes, picked, isBusy, change, onPick, onDiscover }) => html`
  <div class="fields">
    <${Choice} id="collective" label="Collective" value=${form.collective} options=${collectives} onText=${(collective) => change({ collective })} />
    <${Text} id="facts" label="Facts" value=${form.facts} help="country=uk cores>=4" onText=${(facts) => change({ facts })} />
    <${Text} id="classes" label="Classes" value=${form.classes} help="apache /mysql/" onText=${(classes) => change({ classes })} />
    <${Text} id="compound" label="Compound" value=${form.compound} onText=${(compound) => change({ compound })} />
    <button type="button" disabled=${isBusy} onClick=${onDiscover}>Discover</button>
  </div>
  ${nodes !== undefined && html`<${Nodes} nodes=${nodes} picked=${picked} onPick=${onPick} />`}
`;

/** What is asked. */
export const What = ({ form, isBusy, change, onExplain, onCall }) => html`
  <div class="fields">
    <${Text} id="agent" label="Agent" value=${form.agent} help="rpcutil" onText=${(agent) => change({ agent })} />
    <${Text} id="action" label="Action" value=${form.action} help="ping" onText=${(action) => change({ action })} />
    <${Text} id="ttl" label="Seconds" value=${form.ttl} inputmode="numeric" onText=${(ttl) => change({ ttl })} />
    <${Text} id="batch" label="At a time" value=${form.batch} inputmode="numeric" help="all" onText=${(batch) => change({ batch })} />
  </div>
  <p class="field">
    <label for="console-inputs">Inputs, as JSON</label>
    <textarea id="console-inputs" rows="3" spellcheck=${false} value=${form.inputs} placeholder=${'{"service": "ntp"}'} onInput=${({ target }) => change({ inputs: target.value })} />
  </p>
  <p>
    <label><input type="checkbox" checked=${form.everybody} onChange=${({ target }) => change({ everybody: target.checked })} /> Ask all whom the filter matches, whoever they are</label>
  </p>
  <div class="tools">
    <button type="button" disabled=${isBusy} onClick=${onExplain}>What would policy say?</button>
    <button type="button" disabled=${isBusy} onClick=${onCall}>Call</button>
  </div>
`;
