// Passkeys. A form with data-passkey="get" or "create" asks our server what the browser should show or make, lets the
// browser do it, and is then sent like any other form. Without a script, or where the browser knows no passkeys, it
// stays hidden.

const fromText = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

function understood(options) {
  const made = { ...options, challenge: fromText(options.challenge) };
  if (options.user) made.user = { ...options.user, id: fromText(options.user.id) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) made[list] = options[list].map((each) => ({ ...each, id: fromText(each.id) }));
  }
  return made;
}

function answer(credential) {
  const { response } = credential;
  const said = { clientDataJSON: toText(response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[part]) said[part] = toText(response[part]);
  }
  if (response.getTransports) said.transports = response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: said,
  });
}

async function ask(form) {
  const token = form.querySelector("[name=_token]").value;
  const reply = await fetch(form.dataset.options, { method: "POST", headers: { "X-Form-Token": token } });
  if (!reply.ok || !reply.headers.get("Content-Type")?.startsWith("application/json")) throw new Error("refused");
  const publicKey = understood(await reply.json());
  const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
  form.querySelector("[name=answer]").value = answer(credential);
}

function tell(form) {
  form.querySelector(".passkey-failed")?.remove();
  const words = document.createElement("p");
  words.className = "alert alert-danger passkey-failed";
  words.setAttribute("role", "alert");
  words.textContent = form.dataset.failed;
  form.prepend(words);
}

function begin() {
  if (!window.PublicKeyCredential) return;
  for (const form of document.querySelectorAll("form[data-passkey][hidden]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      if (form.querySelector("[name=answer]").value) return;
      event.preventDefault();
      ask(form).then(
        () => form.submit(),
        () => tell(form),
      );
    });
  }
}

begin();
document.addEventListener("htmx:afterSettle", begin);
