import { button, element } from './elements.js';

/**
 * The choice of microphone, camera and speaker, kept for the next visit of this page.
 *
 * @typedef {'microphone' | 'camera' | 'speaker'} DeviceKind
 */

/** @type {Record<MediaDeviceKind, DeviceKind>} */
const KINDS = { audioinput: 'microphone', videoinput: 'camera', audiooutput: 'speaker' };

export class DevicePicker {
  #dialog = element('settings-dialog', HTMLDialogElement);
  #selects = {
    microphone: element('microphone', HTMLSelectElement),
    camera: element('camera-device', HTMLSelectElement),
    speaker: element('speaker', HTMLSelectElement),
  };

  /** @param {(kind: DeviceKind, id: string) => void} changed */
  constructor(changed) {
    for (const id of ['settings-idle', 'settings-call']) button(id).addEventListener('click', () => void this.#open());
    for (const kind of /** @type {DeviceKind[]} */ (['microphone', 'camera', 'speaker'])) {
      this.#selects[kind].addEventListener('change', () => {
        sessionStorage.setItem(`device.${kind}`, this.#selects[kind].value);
        changed(kind, this.#selects[kind].value);
      });
    }
    element('speaker-row', HTMLElement).hidden = !('setSinkId' in HTMLMediaElement.prototype);
    navigator.mediaDevices?.addEventListener('devicechange', () => void this.#fill());
  }

  /**
   * @param {DeviceKind} kind
   * @returns {string} a device's id, or '' for the system's choice
   */
  chosen(kind) {
    return sessionStorage.getItem(`device.${kind}`) ?? '';
  }

  async #open() {
    await this.#fill();
    this.#dialog.showModal();
  }

  async #fill() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    for (const [type, kind] of Object.entries(KINDS)) {
      const select = this.#selects[kind];
      // Before the first permission devices have neither name nor id: then there is nothing to choose from.
      const found = devices.filter((device) => device.kind === type && device.deviceId !== '' && device.deviceId !== 'default');
      select.replaceChildren(
        new Option('System default', ''),
        ...found.map((device, index) => new Option(device.label || `Device ${index + 1}`, device.deviceId)),
      );
      const chosen = this.chosen(kind);
      select.value = found.some(({ deviceId }) => deviceId === chosen) ? chosen : '';
    }
  }
}
