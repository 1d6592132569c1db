// An application server before the enabler of the product: it asks over HTTP, and hears what it is told.

import { once } from 'node:events';
import http from 'node:http';

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';

/** Starts one, which the product may know beforehand: its URL is there at once. */
export async function startApplicationServer() {
  const server = new ApplicationServer();
  server.http.listen(0, '127.0.0.1');
  await once(server.http, 'listening');
  return server;
}

class ApplicationServer {
  constructor() {
    this.told = [];
    this.http = http.createServer((request, response) => {
      let text = '';
      request.on('data', (more) => {
        text += more;
      });
      request.on('end', () => {
        this.told.push(JSON.parse(text));
        response.writeHead(204).end();
      });
    });
  }

  get url() {
    return `http://127.0.0.1:${this.http.address().port}/`;
  }

  /** Asks this product from now on. */
  uses(product) {
    this.root = `http://127.0.0.1:${product.ports.http}`;
  }

  async ask(method, path, body) {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${this.root}${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}\n${text}`);
    return text ? JSON.parse(text) : {};
  }

  /** An application of its own; its identifier. */
  async application() {
    const dcAppConfigParamList = [{ appIndex: '1', appName: 'Choice' }];
    const body = { reqId: 'games', dcAppNum: 1, dcAppConfigParamList };
    const answer = await this.ask('POST', '/mmtel-dcappmgmt/v1/dcapps/configure', body);
    return answer.dcAppConfigRespList[0].appId;
  }

  /** Calls a subscriber, or connects two; `more` is more of the body. */
  call(name, more = {}) {
    const body = { terminatingId: `sip:${name}@${HOME}`, mediaInfo: ['audio'], callType: 'A2P', notificationInfo: this.url, ...more };
    return this.ask('POST', '/mmtel-dcappcall/v1/dccall', body);
  }

  /** Connects two. */
  connect(one, other) {
    return this.call(other, { callType: 'P2P', originatingId: `sip:${one}@${HOME}` });
  }

  /** Says something through an application's channel; `more` is more of the body. */
  say(dcAppId, sessionId, mediaResourceInfo, more = {}) {
    const body = { dcAppId, sessionId, notificationInfo: this.url, mediaResourceInfo, ...more };
    return this.ask('POST', '/mmtel-dcappcall/v1/update-dc-media', body);
  }

  /** The next notification that the test is true of; what comes before it is passed over. */
  async hears(test, within = 40_000) {
    const deadline = Date.now() + within;
    for (;;) {
      const at = this.told.findIndex(test);
      if (at >= 0) return this.told.splice(0, at + 1).at(-1);
      if (Date.now() > deadline) throw new Error(`not told within ${within} ms: ${JSON.stringify(this.told)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop() {
    this.http.closeAllConnections();
    this.http.close();
  }
}
