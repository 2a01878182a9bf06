import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consoleLog } from '../../src/adapters/console-log.ts';

function recorder(isTTY = false): { lines: string[]; isTTY: boolean; write: (text: string) => void } {
  const lines: string[] = [];
  return { lines, isTTY, write: (text) => void lines.push(text) };
}

test('a log line has time, level, message and values', () => {
  const target = recorder();
  consoleLog('info', target).info('topic created', { topic: 'orders', partitions: 3, internal: false });
  assert.match(
    target.lines[0]!,
    /^\d{4}-\d\d-\d\dT[\d:.]+Z INFO  topic created topic=orders partitions=3 internal=false\n$/,
  );
});

test('one event is one line, whatever its values hold', () => {
  const target = recorder();
  consoleLog('info', target).warn('odd\n  name', { name: 'a b\nc="d"', list: [1, 2], missing: undefined });
  assert.equal(target.lines.length, 1);
  assert.ok(target.lines[0]!.endsWith('odd name name="a b\\nc=\\"d\\"" list=[1,2] missing=undefined\n'));
  assert.equal(target.lines[0]!.split('\n').length, 2);
});

test('a value that refers to itself does not break the line', () => {
  const target = recorder();
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  consoleLog('info', target).info('x', { circle });
  assert.match(target.lines[0]!, /circle="\[object Object\]"\n$/);
});

test('events below the level are dropped, all of them at level off', () => {
  const target = recorder();
  const log = consoleLog('warn', target);
  log.debug('no');
  log.info('no');
  log.warn('yes');
  log.error('yes');
  consoleLog('off', target).error('no');
  assert.deepEqual(
    target.lines.map((line) => line.split(' ')[1]),
    ['WARN', 'ERROR'],
  );
});

test('an error shows its message, its stack at level debug only', () => {
  const target = recorder();
  const error = new Error('disk full');
  consoleLog('info', target).error('append failed', { error });
  consoleLog('debug', target).error('append failed', { error });
  assert.ok(target.lines[0]!.endsWith('error="disk full"\n'));
  assert.match(target.lines[1]!, /console-log\.test\.ts/);
});

test('levels are coloured on a terminal only', () => {
  const plain = recorder();
  const colourful = recorder(true);
  consoleLog('info', plain).error('x');
  consoleLog('info', colourful).error('x');
  assert.ok(!plain.lines[0]!.includes('\u001b['));
  assert.ok(colourful.lines[0]!.includes('\u001b['));
});
