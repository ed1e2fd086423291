// Comforts on top of forms that work without it: show a password, copy a key, tick off the password's rules, send once,
// send at once what only passes through.
"use strict";

for (const button of document.querySelectorAll("button.reveal")) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  const show = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-label", visible ? button.dataset.hideLabel : button.dataset.showLabel);
    button.setAttribute("aria-pressed", String(visible));
  };
  button.addEventListener("click", () => show(input.type === "password"));
  // A browser offers to store a password only from a password field.
  input.form.addEventListener("submit", () => show(false));
  show(false);
  button.hidden = false;
}

for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const before = button.textContent;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent.replace(/\s/g, ""));
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = before; }, 2000);
  });
}

const newPassword = document.querySelector("input[autocomplete=new-password]");
const checks = {
  length: (text, count) => [...text].length >= count,
  uppercase: (text) => /\p{Lu}/u.test(text),
  lowercase: (text) => /\p{Ll}/u.test(text),
  numbers: (text) => /\p{Nd}/u.test(text),
  symbols: (text) => /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+\- ]/.test(text.trim()),
};
if (newPassword) {
  const tick = () => {
    for (const rule of document.querySelectorAll("[data-rule]")) {
      const check = checks[rule.dataset.rule];
      rule.classList.toggle("met", Boolean(check) && check(newPassword.value, Number(rule.dataset.count)));
    }
  };
  newPassword.addEventListener("input", tick);
  tick();
}

for (const form of document.querySelectorAll("form")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) { event.preventDefault(); return; }
    sent = true;
    form.setAttribute("aria-busy", "true");
    const button = form.querySelector("button[data-sending]");
    if (button) {
      button.dataset.before = button.textContent;
      button.textContent = button.dataset.sending;
    }
  });
  // Back from the next page, out of the browser's cache: the form may be sent again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    sent = false;
    form.removeAttribute("aria-busy");
    const button = form.querySelector("button[data-before]");
    if (button) button.textContent = button.dataset.before;
  });
}

const passing = document.querySelector("form[data-posts-itself]");
// Back from the next page it stays put: whoever comes back wants to leave it.
const came = performance.getEntriesByType("navigation")[0];
if (passing && !(came && came.type === "back_forward")) passing.requestSubmit();
