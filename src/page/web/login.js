import { html } from './html.js';

/** Who looks at the page: a token that is pasted. Nothing else is shown until it is known. */
export const PageLogin = ({ problem, onToken }) => html`
  <main class="login">
    <h1>mcbridge</h1>
    <form
      aria-labelledby="login-title"
      onSubmit=${(event) => {
        event.preventDefault();
        onToken(event.target.elements.token.value.trim());
      }}
    >
      <h2 id="login-title">Who are you?</h2>
      <div class="fields">
        <p class="field">
          <label for="login-token">Token</label>
          <input id="login-token" name="token" type="password" autocomplete="off" spellcheck=${false} aria-describedby="login-help" />
        </p>
        <button type="submit">Show the page</button>
      </div>
      <p id="login-help" class="help">
        It stays in the memory of this page until you leave or close it. Without one, a certificate of the browser or a proxy before the page says who you are.
      </p>
      <p role="alert" class="bad">${problem}</p>
    </form>
  </main>
`;
