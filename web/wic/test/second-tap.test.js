import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecondTap } from '../page/second-tap.js';

const ANSWER = { left: 200, top: 700, right: 280, bottom: 784 };
const HANG_UP = { left: 190, top: 690, right: 290, bottom: 790 };

test('a second tap that comes to another button is not meant for it, nor is a third', () => {
  const taps = new SecondTap();
  assert.equal(taps.strays({ at: 0, x: 240, y: 740, on: 'answer' }, ANSWER), false);
  assert.equal(taps.strays({ at: 180, x: 244, y: 738, on: 'hang-up' }, HANG_UP), true);
  assert.equal(taps.strays({ at: 600, x: 240, y: 740, on: 'hang-up' }, HANG_UP), true);
});

test('the same button again, one that stood elsewhere, and one that is seen before it is pressed are meant', () => {
  const taps = new SecondTap();
  const key = { left: 100, top: 100, right: 168, bottom: 168 };
  const beside = { left: 180, top: 100, right: 248, bottom: 168 };
  assert.equal(taps.strays({ at: 0, x: 165, y: 130, on: '1' }, key), false);
  assert.equal(taps.strays({ at: 90, x: 165, y: 130, on: '1' }, key), false);
  assert.equal(taps.strays({ at: 150, x: 182, y: 130, on: '2' }, beside), false, 'digits may be typed as fast as anybody can');
  assert.equal(taps.strays({ at: 151 + 500, x: 182, y: 130, on: 'hang-up' }, HANG_UP), false);
});
