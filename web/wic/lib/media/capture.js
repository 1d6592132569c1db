import { Failure } from '../failure.js';

/**
 * Opening microphone and camera, with words for what goes wrong.
 *
 * @typedef {object} Devices the part of navigator.mediaDevices that is used
 * @property {(constraints: MediaStreamConstraints) => Promise<MediaStream>} getUserMedia
 */

/**
 * @param {Devices | undefined} devices
 * @param {string} [deviceId]
 * @returns {Promise<MediaStreamTrack>}
 */
export async function openMicrophone(devices, deviceId) {
  const constraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...choice(deviceId) };
  return open(devices, { audio: constraints }, 'microphone');
}

/**
 * @param {Devices | undefined} devices
 * @param {string} [deviceId]
 * @returns {Promise<MediaStreamTrack>}
 */
export async function openCamera(devices, deviceId) {
  return open(devices, { video: { width: { ideal: 1280 }, height: { ideal: 720 }, ...choice(deviceId) } }, 'camera');
}

/** @param {string | undefined} deviceId */
function choice(deviceId) {
  // A device that was unplugged since it was chosen must not make the call fail, so this is a wish only.
  return deviceId ? { deviceId: { ideal: deviceId } } : {};
}

/**
 * @param {Devices | undefined} devices
 * @param {MediaStreamConstraints} constraints
 * @param {'microphone' | 'camera'} kind
 */
async function open(devices, constraints, kind) {
  if (!devices) throw new Failure('insecure_page');
  try {
    const stream = await devices.getUserMedia(constraints);
    return stream.getTracks()[0];
  } catch (error) {
    throw explain(error, kind);
  }
}

/**
 * @param {unknown} error a DOMException of getUserMedia
 * @param {'microphone' | 'camera'} kind
 */
function explain(error, kind) {
  const name = error instanceof Error ? error.name : '';
  if (kind === 'camera') return new Failure(name === 'NotAllowedError' ? 'camera_refused' : 'no_camera', { cause: error });
  if (name === 'NotAllowedError' || name === 'SecurityError') return new Failure('microphone_refused', { cause: error });
  if (name === 'NotReadableError' || name === 'AbortError') return new Failure('microphone_in_use', { cause: error });
  return new Failure('no_microphone', { cause: error });
}
