import { heldToken } from './asking.js';
import { Login, What, Whom } from './console-forms.js';
import { callOf, filterOf, questionOf } from './console-input.js';
import { asJson, Replies } from './console-replies.js';
import { openSession, sentenceOf } from './console-session.js';
import { onceAFrame } from './frames.js';
import { html } from './html.js';
import { Component } from './vendor/preact.js';

const EMPTY_FORM = {
  ...{ collective: '', facts: '', classes: '', compound: '' },
  ...{ agent: '', action: '', inputs: '', ttl: '60', batch: '', everybody: false },
};
const NO_SESSION = { session: undefined, nodes: undefined, picked: new Set(), isBusy: false };

/** Asks nodes by an ingress for WebSockets, in the name of a token's holder. */
export class Console extends Component {
  // Who has shown a token to see the page asks with the same one, unless he gives another.
  state = { ...NO_SESSION, token: heldToken(), form: EMPTY_FORM };

  componentWillUnmount() {
    this.state.session?.end();
  }

  /** Says how it goes; what is thrown is said as well. */
  async act(work) {
    this.setState({ isBusy: true, said: undefined, problem: undefined });
    try {
      await work();
    } catch (error) {
      // Why a session has ended has been said.
      if (error.name !== 'ConnectionLost') this.setState({ problem: sentenceOf(error) });
    }
    this.setState({ isBusy: false });
  }

  connect() {
    const { consoles } = this.props;
    const { token, ingress } = this.state;
    const door = consoles.find((it) => it.ingress === ingress) ?? consoles[0];
    return this.act(async () => {
      const session = await openSession(door, token, (problem) => this.setState({ ...NO_SESSION, problem }));
      if (session === undefined) return;
      const [collective = ''] = session.info.collectives;
      this.setState(({ form }) => ({ session, ingress: door.ingress, form: { ...form, collective } }));
    });
  }

  disconnect() {
    this.state.session.end();
    const token = heldToken();
    const said = token === '' ? 'Disconnected; the token is forgotten.' : 'Disconnected.';
    this.setState({ token, problem: undefined, said });
  }

  discover() {
    const { session, form } = this.state;
    return this.act(async () => {
      const filter = filterOf(form);
      const nodes = await session.client.discover({ collective: form.collective, filter });
      this.setState({ nodes, picked: new Set(nodes) });
    });
  }

  explain() {
    const { session, form, picked } = this.state;
    return this.act(async () => {
      await session.client.explain(questionOf(form, [...picked]));
      this.setState({ said: 'Policy would let it pass.' });
    });
  }

  call() {
    const { session, form, picked } = this.state;
    return this.act(async () => {
      const question = callOf(form, [...picked]);
      const running = await session.client.call(question);
      const call = {
        question,
        running,
        nodes: running.nodes,
        replies: [],
        heard: new Set(),
        failed: 0,
        missed: 0,
        done: undefined,
      };
      this.setState({ call });
      void this.follow(call);
    });
  }

  /** What comes is drawn once a frame. */
  async follow(call) {
    const draw = onceAFrame(() => {
      if (this.state.call?.running === call.running) this.setState({ call: { ...call } });
    });
    try {
      for await (const one of call.running) {
        if (one.kind === 'gap') call.missed += one.missed;
        else {
          call.replies.push(one);
          // A node counts once, by its first reply.
          if (one.statuscode !== 0 && !call.heard.has(one.sender)) call.failed++;
          call.heard.add(one.sender);
        }
        draw();
      }
      call.done = await call.running.done;
    } catch (error) {
      call.done = { end: 'lost', error: error.message };
    }
    draw();
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(asJson(this.state.call));
      this.setState({ said: 'Copied.', problem: undefined });
    } catch {
      this.setState({ problem: 'The browser does not let this page copy.' });
    }
  }

  render({ consoles }, { session, ingress, token, form, nodes, picked, call, isBusy, said, problem }) {
    if (consoles.length === 0) return null;
    const change = (to) => this.setState({ form: { ...form, ...to } });
    return html`
      <section class="console" aria-labelledby="console-title">
        <div class="tools">
          <h2 id="console-title">Console</h2>
          ${session && html`<span>as ${session.info.caller} by ${ingress}</span><button type="button" onClick=${() => this.disconnect()}>Disconnect</button>`}
        </div>
        ${
          session
            ? html`
              <${Whom} form=${form} collectives=${session.info.collectives} nodes=${nodes} picked=${picked} isBusy=${isBusy} change=${(to) => ('collective' in to ? this.setState({ form: { ...form, ...to }, nodes: undefined, picked: new Set() }) : change(to))} onPick=${(picked) => this.setState({ picked })} onDiscover=${() => this.discover()} />
              <${What} form=${form} isBusy=${isBusy} change=${change} onExplain=${() => this.explain()} onCall=${() => this.call()} />
            `
            : html`<${Login} consoles=${consoles} ingress=${ingress} token=${token} isBusy=${isBusy} change=${(to) => this.setState(to)} onSubmit=${() => this.connect()} />`
        }
        <p role="status">${said}</p>
        <p role="alert" class="bad">${problem}</p>
        ${call && html`<${Replies} call=${call} onCancel=${() => this.act(() => call.running.cancel())} onCopy=${() => this.copy()} />`}
      </section>
    `;
  }
}
