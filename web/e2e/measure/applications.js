// How long it takes from the tap on an application to its running, and what the way through both accesses adds to a message between
// two applications. `node measure/applications.js`, on a machine that does nothing else, with ISTHMUS_BIN a release build.

import crypto from 'node:crypto';

import { AppBed } from '../harness/app_bed.js';
import { opens, running } from '../harness/app_person.js';

const TAPS = 31;
const MESSAGES = 2000;

const ECHO = `
  const connection = new RTCPeerConnection();
  const echo = (channel) => { channel.onmessage = ({ data }) => channel.send(data); };
  connection.ondatachannel = ({ channel }) => echo(channel);
  if (application.launchedBy === 'local') window.channel = connection.createDataChannel('echo');
`;

/** In a window: round trips of a message over a channel whose other end echoes, in milliseconds. */
const roundTrips = async (channel, count) => {
  const times = [];
  for (let at = 0; at < count; at += 1) {
    const begun = performance.now();
    await new Promise((resolve) => {
      channel.onmessage = resolve;
      channel.send('x'.repeat(100));
    });
    times.push(performance.now() - begun);
  }
  return times;
};

function percentile(values, part) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

const bed = new AppBed();
try {
  await bed.start();
  const page = (script) => `<!doctype html><title>A</title><body><h1>A</h1><script src="${script}"></script>`;
  // Noise does not pack: 200 kB stay 200 kB.
  await bed.write('large', {
    'index.html': page('a.js'),
    'a.js': "document.querySelector('h1').textContent = 'runs';",
    'noise.bin': crypto.randomBytes(200_000),
    'application.toml': 'name = "Large"\nversion = "1"\nprovider = "isthmus"\nphase = "in-call"\nscenes = "all"\nworks_without_peer = true\n',
  });
  await bed.upload('large');
  const [alice, bob] = await bed.call();

  // From the tap to the shown page, with the list there and nothing kept of the package: its cache is by its hash, and emptied by
  // a reload only, so each tap is of a new hash in the page's eyes.
  await alice.page.bringToFront();
  await alice.press('Apps');
  await alice.find('button', 'Large', 20_000);
  const taps = await alice.page.evaluate(async (count) => {
    const { PackageCache } = await import('/wic/runtime/repository.js');
    PackageCache.prototype.get = () => undefined;
    const times = [];
    for (let at = 0; at < count; at += 1) {
      const entry = [...document.querySelectorAll('.entry')].find((each) => each.querySelector('strong').textContent === 'Large');
      const begun = performance.now();
      entry.click();
      await new Promise((resolve) => {
        const look = () => {
          if (document.querySelector('.window')?.dataset.state === 'running') resolve();
          else setTimeout(look, 1);
        };
        look();
      });
      times.push(performance.now() - begun);
      document.querySelector('.window .window-head button:last-child').click();
    }
    return times.slice(1);
  }, TAPS);
  console.log(`from tap to running, 200 kB: p50 ${percentile(taps, 0.5).toFixed(0)} ms, p95 ${percentile(taps, 0.95).toFixed(0)} ms, of ${taps.length}`);

  await bed.write('echo', { 'index.html': page('a.js'), 'a.js': ECHO }, alice, bob);
  await opens(alice, 'echo');
  await bob.press('Open echo');
  const [ours] = [await running(alice, 'echo'), await running(bob, 'echo')];
  await ours.waitForFunction(() => window.channel.readyState === 'open');
  const through = await ours.evaluate(`(${roundTrips})(window.channel, ${MESSAGES})`);

  // The same two pages without a network between them, by connections of the browser.
  const signalled = async (person, work, given) => person.page.evaluate(work, given);
  const offer = await signalled(alice, async () => {
    window.direct = new RTCPeerConnection();
    window.directChannel = window.direct.createDataChannel('echo');
    await window.direct.setLocalDescription();
    await new Promise((resolve) => {
      if (window.direct.iceGatheringState === 'complete') resolve();
      else window.direct.onicegatheringstatechange = () => window.direct.iceGatheringState === 'complete' && resolve();
    });
    return window.direct.localDescription.toJSON();
  });
  const answer = await signalled(bob, async (description) => {
    window.direct = new RTCPeerConnection();
    window.direct.ondatachannel = ({ channel }) => {
      channel.onmessage = ({ data }) => channel.send(data);
    };
    await window.direct.setRemoteDescription(description);
    await window.direct.setLocalDescription();
    await new Promise((resolve) => {
      if (window.direct.iceGatheringState === 'complete') resolve();
      else window.direct.onicegatheringstatechange = () => window.direct.iceGatheringState === 'complete' && resolve();
    });
    return window.direct.localDescription.toJSON();
  }, offer);
  await signalled(alice, (description) => window.direct.setRemoteDescription(description), answer);
  await alice.page.waitForFunction(() => window.directChannel.readyState === 'open');
  const direct = await alice.page.evaluate(`(${roundTrips})(window.directChannel, ${MESSAGES})`);
  const [one, other] = [percentile(through, 0.5) / 2, percentile(direct, 0.5) / 2];
  console.log(`a message one way, of ${MESSAGES}: between applications through both accesses p50 ${one.toFixed(2)} ms, between the same pages directly ${other.toFixed(2)} ms; added ${(one - other).toFixed(2)} ms`);
} finally {
  await bed.stop();
}
