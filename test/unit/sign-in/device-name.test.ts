import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceName } from '../../../src/sign-in/device-name.ts';

test('a device is named by its browser and its system', () => {
  const edge =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0';
  const phone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';
  assert.equal(deviceName(edge), 'Edge on Windows');
  assert.equal(deviceName(phone), 'Safari on iPhone');
  assert.equal(deviceName('curl/8.0'), 'curl');
  assert.equal(deviceName(undefined), 'Unknown device');
});

test('what is no browser of a person is not named like one', () => {
  const headless = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/140.0 Safari/537.36';
  assert.equal(deviceName(headless), 'HeadlessChrome');
  const bot = 'Mozilla/5.0 (Linux; compatible; Examplebot/2.1; +http://bot.example/)';
  assert.equal(deviceName(bot), 'Examplebot');
  assert.equal(deviceName('python-requests/2.32 Linux'), 'python-requests');
});
