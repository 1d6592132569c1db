// One application with both ends at once (P2A2P): the other party, and a server that comes into the call that two people have made.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { AppBed } from '../harness/app_bed.js';
import { closeAll, opens, running, says, scripted } from '../harness/app_person.js';
import { startApplicationServer } from '../harness/application_server.js';

const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';

/** What the server says goes on to the other party, and what that answers to the server. */
const SCRIPT = `
  const connection = new RTCPeerConnection();
  window.heard = [];
  connection.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => {
      window.heard.push(data);
      channel.send(JSON.stringify({ echo: JSON.parse(data).question }));
    };
  };
  if (application.launchedBy === 'local') {
    const party = connection.createDataChannel('party');
    const server = connection.createDataChannel('server', { endpoint: 'server' });
    window.states = () => [party.readyState, server.readyState];
    const waiting = [];
    const pass = (data) => (party.readyState === 'open' ? party.send(data) : waiting.push(data));
    party.onopen = () => waiting.splice(0).forEach((data) => party.send(data));
    server.onmessage = ({ data }) => pass(data);
    party.onmessage = ({ data }) => server.send(data);
  }
`;

describe('an application between a server and the other party', { timeout: 300_000 }, () => {
  const bed = new AppBed();
  let server;
  let id;
  let alice;
  let bob;

  before(async () => {
    server = await startApplicationServer();
    const file = path.join(bed.folder, 'events.toml');
    fs.writeFileSync(file, `[[mmtel_es.calls.events]]\nsubscribers = ["sip:alice@${DOMAIN}"]\nnotify = "${server.url}"\napplications = ["games"]\n[mmtel_es.calls]\nchannel_seconds = 60\n`);
    await bed.start(['--config', file]);
    server.uses(bed.product);
    id = await server.application();
    [alice, bob] = await bed.call();
  });

  after(async () => {
    await bed.stop();
    await server?.stop();
  });

  it('has a channel to each of them, and nobody hears what is not for him', async () => {
    const { sessionId } = await server.hears(({ eventType }) => eventType === 'SESSION_ESTABLISHMENT_SUCCESS', 30_000);
    await bed.write('both', { ...scripted('Both', SCRIPT), 'application.toml': `id = "${id}"\nname = "Both"\n` }, alice, bob);

    const asked = server.say(id, sessionId, { question: 1 }, { mediaDirection: 'P2A' });
    await opens(alice, 'Both');
    await bob.press('Open Both');
    const [ours, theirs] = [await running(alice, 'Both'), await running(bob, 'Both')];
    const { result, cause } = await asked;
    assert.equal(result, 'SUCCESS', cause);
    await says(alice, 'Both', /^Bob uses it too\./);
    await theirs.waitForFunction(() => window.heard.includes('{"question":1}'), { polling: 50 });
    const { mediaResourceInfo } = await server.hears(({ mediaDirection }) => mediaDirection === 'P2A', 30_000);
    assert.deepEqual(mediaResourceInfo, { echo: 1 });
    assert.deepEqual(await ours.evaluate(() => window.states()), ['open', 'open']);
    await closeAll([alice, bob]);
    await server.hears(({ mediaResourceInfo: told }) => told?.channel === 'CLOSED', 30_000);
    await alice.press('Hang up');
    await bob.hears(/ended/);
  });
});
