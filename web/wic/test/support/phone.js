import { BearerCredential } from '../../lib/credentials.js';
import { Message } from '../../lib/sip/message.js';
import { Wic } from '../../lib/wic.js';
import { VirtualClock } from './clock.js';
import { FakeDevices, FakePeerConnection } from './peer-connection.js';
import { FakeTransport } from './transport.js';

export const HOME = 'ims.example.net';

export const ANSWER =
  'v=0\r\no=- 9 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\nm=audio 5000 UDP/TLS/RTP/SAVPF 0\r\na=setup:passive\r\na=rtcp-mux\r\na=sendrecv\r\n';

/** Alice's phone on virtual time, and what a test needs to play the network for it. */
export async function phone({ register = true, tokenLife = 300, credential: given, wic: options = {} } = {}) {
  const clock = new VirtualClock();
  const transport = new FakeTransport();
  const devices = new FakeDevices();
  const tokens = { count: 0, fail: null };
  FakePeerConnection.made.length = 0;
  const credential =
    given ??
    new BearerCredential(
      async () => {
        if (tokens.fail) throw tokens.fail;
        tokens.count += 1;
        return { token: `token${tokens.count}`, expiresIn: tokenLife };
      },
      { clock },
    );
  const wic = new Wic({
    account: { impus: [`sip:alice@${HOME}`, 'tel:+15550100'], displayName: 'Alice', homeDomain: HOME, w2: 'wss://edge/w2' },
    credential,
    clock,
    transport,
    random: () => 0.5,
    watchRegistration: false,
    instance: 'urn:uuid:00000000-0000-4000-8000-000000000001',
    media: () => ({ devices, createPeerConnection: (configuration) => new FakePeerConnection(configuration) }),
    ...options,
  });
  const made = { clock, transport, devices, tokens, credential, wic };
  if (register) {
    wic.start();
    await transport.deliver(registered(await transport.take('REGISTER'), { expires: tokenLife }));
  }
  return made;
}

/** The 200 to a REGISTER. */
export function registered(request, { expires = 300 } = {}) {
  const response = Message.responseTo(request, 200, 'OK', 'registrar');
  response.add('Contact', `<sip:other@elsewhere.invalid>;expires=7, ${request.get('Contact').replace(/expires=\d+/, `expires=${expires}`)}`);
  response.add('Service-Route', `<sip:orig@scscf.${HOME};lr>`);
  response.add('P-Associated-URI', `<sip:alice@${HOME}>, <tel:+15550100>`);
  return response;
}

/** A response as the far end of a call sends it. */
export function answerTo(request, status, { tag = 'far', sdp = '', headers = [] } = {}) {
  const response = Message.responseTo(request, status, 'Whatever', tag);
  response.add('Record-Route', '<sip:edge.example.net;lr>');
  response.add('Contact', '<sip:bob@192.0.2.7>');
  for (const [name, value] of headers) response.add(name, value);
  if (sdp) response.setBody('application/sdp', sdp);
  return response;
}

let branches = 0;

/** A request from the far end, outside a dialog or (given what alice sent in it) inside. */
export function requestFrom(method, { cseq = 1, callId = 'call-from-bob', from = `Bob <sip:bob@${HOME}>;tag=far`, to = `<sip:alice@${HOME}>`, sdp = '', headers = [] } = {}) {
  const request = Message.request(method, 'sip:alice@x.invalid;transport=ws');
  branches += 1;
  request.add('Via', `SIP/2.0/WSS edge.example.net;branch=z9hG4bKfar${branches}`);
  request.add('Max-Forwards', '60').add('From', from).add('To', to).add('Call-ID', callId).add('CSeq', `${cseq} ${method}`);
  request.add('Contact', '<sip:bob@192.0.2.7>').add('Record-Route', '<sip:edge.example.net;lr>');
  for (const [name, value] of headers) request.add(name, value);
  if (sdp) request.setBody('application/sdp', sdp);
  return request;
}

/** Bob answers alice's call: from her INVITE to her ACK. */
export async function connected(options) {
  const made = await phone(options);
  const call = made.wic.call('bob');
  const invite = await made.transport.take('INVITE');
  await made.transport.deliver(answerTo(invite, 200, { sdp: ANSWER, headers: [['Allow', 'INVITE, ACK, BYE, UPDATE']] }));
  const ack = await made.transport.take('ACK');
  const far = (method, more = {}) =>
    requestFrom(method, { callId: invite.callId, from: `<sip:bob@${HOME}>;tag=far`, to: invite.get('From'), ...more });
  return { ...made, call, invite, ack, far, pc: FakePeerConnection.made[0] };
}
