/**
 * Takes from an application's window what leads out of it, before the application's own code runs. The frame's policy lets
 * nothing out either; this is so that an application is told, and for what no policy covers: another window has its own
 * RTCPeerConnection, so there must never be another window.
 */

/** Names of the window that lead to the network, to threads and to other windows. */
const GONE = [
  'fetch', 'fetchLater', 'XMLHttpRequest', 'WebSocket', 'WebSocketStream', 'EventSource', 'WebTransport',
  'Worker', 'SharedWorker', 'ServiceWorkerContainer', 'open', 'showModalDialog',
  'webkitRTCPeerConnection', 'mozRTCPeerConnection', 'RTCIceTransport', 'RTCDtlsTransport', 'RTCSctpTransport',
  'RTCPeerConnectionIceEvent', 'RTCRtpSender', 'RTCRtpReceiver', 'RTCRtpTransceiver', 'RTCCertificate', 'RTCRtpScriptTransform',
  'XSLTProcessor', 'PresentationRequest', 'PaymentRequest', 'SharedStorage', 'Fence', 'HTMLFencedFrameElement',
];

/** Elements that would be windows, load what they name, or look it up. */
const KEPT_OUT = 'iframe, frame, frameset, object, embed, fencedframe, portal, link, base, meta[http-equiv]';

/** Methods that put nodes somewhere, by the prototype that has them. */
const INSERTING = /** @type {const} */ ({
  Node: ['appendChild', 'insertBefore', 'replaceChild'],
  Element: ['append', 'prepend', 'before', 'after', 'replaceWith', 'replaceChildren', 'insertAdjacentElement', 'moveBefore'],
  CharacterData: ['before', 'after', 'replaceWith'],
  DocumentType: ['before', 'after', 'replaceWith'],
  Document: ['append', 'prepend', 'replaceChildren', 'moveBefore'],
  DocumentFragment: ['append', 'prepend', 'replaceChildren', 'moveBefore'],
  Range: ['insertNode', 'surroundContents'],
});

/** Methods that make or write what nobody could look at before. */
const WRITING = /** @type {const} */ ({
  Element: ['setHTMLUnsafe', 'setHTML'],
  ShadowRoot: ['setHTMLUnsafe', 'setHTML'],
  Document: ['write', 'writeln', 'open', 'execCommand'],
});

/** @param {Window & typeof globalThis} frame */
export function guard(frame) {
  const { document, DOMException, DocumentFragment, Element, Node, Object, Reflect } = frame;
  const { querySelector: queryElement, matches } = Element.prototype;
  const { querySelector: queryFragment } = frame.DocumentFragment.prototype;
  const refuse = (/** @type {string} */ what) => {
    throw new DOMException(`${what} is not there for applications`, 'NotSupportedError');
  };

  for (const name of GONE) remove(frame, name);
  for (const name of ['parseHTMLUnsafe', 'parseHTML']) remove(frame.Document, name);
  for (const name of ['sendBeacon', 'serviceWorker', 'mediaDevices', 'getUserMedia', 'webkitGetUserMedia', 'usb', 'bluetooth', 'serial', 'hid', 'credentials']) {
    remove(frame.Navigator.prototype, name);
  }

  const check = (/** @type {unknown} */ node) => {
    if (node instanceof Element) {
      const found = Reflect.apply(matches, node, [KEPT_OUT]) ? node : Reflect.apply(queryElement, node, [KEPT_OUT]);
      if (found) refuse(`<${found.localName}>`);
    } else if (node instanceof DocumentFragment) {
      const found = Reflect.apply(queryFragment, node, [KEPT_OUT]);
      if (found) refuse(`<${found.localName}>`);
    }
  };
  /** The browser's own methods, by prototype. @type {Record<string, Record<string, Function>>} */
  const natives = { Range: { createContextualFragment: frame.Range.prototype.createContextualFragment } };
  for (const [name, methods] of Object.entries(INSERTING)) {
    const { prototype } = /** @type {any} */ (frame)[name];
    natives[name] = { ...natives[name], ...Object.fromEntries(methods.map((method) => [method, prototype[method]])) };
    for (const method of methods) {
      wrap(prototype, method, (original, self, given) => {
        for (const each of given) check(each);
        return Reflect.apply(original, self, given);
      });
    }
  }
  for (const [name, methods] of Object.entries(WRITING)) {
    const { prototype } = /** @type {any} */ (frame)[name];
    for (const method of methods) wrap(prototype, method, () => refuse(method));
  }

  // A form goes nowhere; browsers would connect to where it would go before they look at the policy. What listens to `submit` hears it.
  const { preventDefault } = frame.Event.prototype;
  const { addEventListener } = frame.EventTarget.prototype;
  const stay = (/** @type {Event} */ event) => Reflect.apply(preventDefault, event, []);
  frame.addEventListener('submit', stay, true);
  wrap(Element.prototype, 'attachShadow', (original, self, given) => {
    const root = Reflect.apply(original, self, given);
    Reflect.apply(addEventListener, root, ['submit', stay, true]);
    return root;
  });
  wrap(frame.HTMLFormElement.prototype, 'submit', () => refuse('submit()'));

  // Markup is read in a document where nothing of it lives, by what it is to be put into; it is looked at, and what was looked at
  // is what is put there: the same markup can mean something else in another place.
  const inert = document.implementation.createHTMLDocument('');
  const own = (/** @type {object} */ prototype, /** @type {string} */ name) => /** @type {any} */ (Object.getOwnPropertyDescriptor(prototype, name));
  const inner = own(Element.prototype, 'innerHTML');
  const outer = own(Element.prototype, 'outerHTML');
  const innerOfShadow = own(frame.ShadowRoot.prototype, 'innerHTML');
  const contentOf = own(frame.HTMLTemplateElement.prototype, 'content').get;
  const parentOf = own(Node.prototype, 'parentNode').get;
  const hostOf = own(frame.ShadowRoot.prototype, 'host').get;
  const { importNode } = frame.Document.prototype;
  const { createContextualFragment } = natives.Range;
  const { HTMLTemplateElement, ShadowRoot } = frame;
  /** @returns {DocumentFragment} */
  const parsed = (/** @type {unknown} */ context, /** @type {string} */ markup) => {
    const around = context instanceof Element ? Reflect.apply(importNode, inert, [context, false]) : inert.createElement('body');
    Reflect.apply(inner.set, around, [markup]);
    const fragment = inert.createDocumentFragment();
    const from = around instanceof HTMLTemplateElement ? Reflect.apply(contentOf, around, []) : around;
    Reflect.apply(natives.DocumentFragment.append, fragment, [...from.childNodes]);
    check(fragment);
    return fragment;
  };
  const markupOf = (/** @type {unknown} */ value) => (value === null ? '' : `${value}`);
  Object.defineProperty(Element.prototype, 'innerHTML', {
    ...inner,
    set(value) {
      const fragment = parsed(this, markupOf(value));
      const into = this instanceof HTMLTemplateElement ? Reflect.apply(contentOf, this, []) : this;
      const { replaceChildren } = into === this ? natives.Element : natives.DocumentFragment;
      Reflect.apply(replaceChildren, into, [fragment]);
    },
    configurable: false,
  });
  Object.defineProperty(ShadowRoot.prototype, 'innerHTML', {
    ...innerOfShadow,
    set(value) {
      const fragment = parsed(Reflect.apply(hostOf, this, []), markupOf(value));
      Reflect.apply(natives.DocumentFragment.replaceChildren, this, [fragment]);
    },
    configurable: false,
  });
  Object.defineProperty(Element.prototype, 'outerHTML', {
    ...outer,
    set(value) {
      const fragment = parsed(Reflect.apply(parentOf, this, []), markupOf(value));
      Reflect.apply(natives.Element.replaceWith, this, [fragment]);
    },
    configurable: false,
  });
  wrap(Element.prototype, 'insertAdjacentHTML', (_original, self, [where, value]) => {
    const place = `${where}`.toLowerCase();
    const beside = place === 'beforebegin' || place === 'afterend';
    const fragment = parsed(beside ? Reflect.apply(parentOf, self, []) : self, markupOf(value));
    const method = { beforebegin: 'before', afterbegin: 'prepend', beforeend: 'append', afterend: 'after' }[place];
    if (!method) throw new DOMException('There is no such place', 'SyntaxError');
    Reflect.apply(natives.Element[method], self, [fragment]);
  });
  wrap(frame.Range.prototype, 'createContextualFragment', (_original, self, given) => {
    const fragment = Reflect.apply(createContextualFragment, self, given);
    check(fragment);
    return fragment;
  });
  // Another document's nodes can be put somewhere by more than is looked at here: it never has any of these.
  const { querySelectorAll } = frame.Document.prototype;
  wrap(frame.DOMParser.prototype, 'parseFromString', (original, self, given) => {
    const made = Reflect.apply(original, self, given);
    for (const found of Reflect.apply(querySelectorAll, made, [KEPT_OUT])) Reflect.apply(natives.Element.replaceWith, found, []);
    return made;
  });
}

/**
 * @param {any} owner
 * @param {string} name
 */
function remove(owner, name) {
  if (!owner || !(name in owner)) return;
  if (!Reflect.deleteProperty(owner, name) || name in owner) {
    Reflect.defineProperty(owner, name, { value: undefined, writable: false, configurable: false });
  }
}

/**
 * @param {any} prototype
 * @param {string} name
 * @param {(original: Function, self: unknown, given: any[]) => unknown} replacement
 */
function wrap(prototype, name, replacement) {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  if (typeof descriptor?.value !== 'function') return;
  const original = descriptor.value;
  /** @type {(this: unknown, ...given: any[]) => unknown} */
  function value(...given) {
    return replacement(original, this, given);
  }
  Object.defineProperty(value, 'name', { value: name });
  Object.defineProperty(prototype, name, { ...descriptor, value, writable: false, configurable: false });
}
