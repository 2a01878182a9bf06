// Small spaces whole: the life of a session, its times, its order of calls, its addresses.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CoordinationError } from '@odradek/core/ports/coordination.ts';
import { accessOf } from '../../../src/adapters/zookeeper/access-control.ts';
import { CallQueue, type Call } from '../../../src/adapters/zookeeper/call-queue.ts';
import { parseConnectString } from '../../../src/adapters/zookeeper/connect-string.ts';
import { attemptTimeoutMs, dutyAt, retryDelayMs } from '../../../src/adapters/zookeeper/liveness.ts';
import { ServerRotation } from '../../../src/adapters/zookeeper/server-rotation.ts';
import {
  isFinal,
  transition,
  type Phase,
  type SessionEvent,
} from '../../../src/adapters/zookeeper/session-state.ts';
import { countingRandom } from '../../../../core/test/log/log-world.ts';

const EVENTS: readonly SessionEvent[] = [
  'attached',
  'connection-lost',
  'session-over',
  'authentication-failed',
  'start-timed-out',
  'close-called',
  'close-answered',
];

/** Every path of events up to that length, with what the listeners are told on it. */
function* lives(length: number): Generator<{ phase: Phase; told: string[]; events: SessionEvent[] }> {
  if (length === 0) {
    yield { phase: 'starting', told: [], events: [] };
    return;
  }
  for (const life of lives(length - 1)) {
    yield life;
    for (const event of EVENTS) {
      const next = transition(life.phase, event);
      if (next === null) continue;
      const told = next.tell === null ? life.told : [...life.told, next.tell];
      yield { phase: next.phase, told, events: [...life.events, event] };
    }
  }
}

describe('the life of a session, all of its paths', () => {
  test('connected and disconnected take turns, expired is the last word', () => {
    let count = 0;
    for (const { told, events } of lives(6)) {
      count += 1;
      for (const [i, state] of told.entries()) {
        const before = told[i - 1];
        assert.notEqual(before, 'expired', events.join());
        assert.notEqual(before, state, events.join());
        if (state === 'disconnected') assert.equal(before, 'connected', events.join());
      }
    }
    assert.ok(count > 100);
  });

  test('what is over stays over', () => {
    for (const phase of ['expired', 'refused', 'closed'] as const) {
      assert.ok(isFinal(phase));
      for (const event of EVENTS) assert.equal(transition(phase, event), null);
    }
  });

  test('who was told that it is connected is told when that ends, unless it ended it', () => {
    for (const { phase, told, events } of lives(6)) {
      if (!isFinal(phase) || events.includes('close-called')) continue;
      assert.ok(told.length === 0 || told.at(-1) === 'expired', events.join());
    }
  });

  test('every end leaves no call without an answer', () => {
    for (const phase of ['starting', 'connected', 'disconnected', 'closing'] as const) {
      for (const event of EVENTS) {
        const next = transition(phase, event);
        if (next !== null && isFinal(next.phase)) assert.equal(next.calls, 'end', `${phase} ${event}`);
      }
    }
  });
});

describe('times', () => {
  const times = fc.record({
    sessionTimeoutMs: fc.integer({ min: 300, max: 60_000 }),
    sentMs: fc.nat(60_000),
    receivedMs: fc.nat(60_000),
    unansweredSinceMs: fc.option(fc.nat(60_000), { nil: null }),
  });

  test('a wait ends at the next duty, never later and not at once', () => {
    fc.assert(
      fc.property(times, fc.nat(120_000), (traffic, nowMs) => {
        const duty = dutyAt(nowMs, traffic);
        if (duty.type !== 'wait') return;
        assert.ok(duty.delayMs > 0 && duty.delayMs <= traffic.sessionTimeoutMs + 60_000);
        assert.notEqual(dutyAt(nowMs + duty.delayMs + 0.001, traffic).type, 'wait');
      }),
    );
  });

  test('silence is given up before the session can be gone', () => {
    fc.assert(
      fc.property(times, (traffic) => {
        const silentMs = (traffic.sessionTimeoutMs * 2) / 3;
        assert.equal(dutyAt(traffic.receivedMs + silentMs + 1, traffic).type, 'give-up');
      }),
    );
  });

  test('after the longest silence there is time to try every server', () => {
    for (const servers of [1, 3, 5]) {
      for (const sessionMs of [4_000, 18_000, 60_000]) {
        let tookMs = 0;
        for (let i = 0; i < servers; i++) {
          tookMs += attemptTimeoutMs(sessionMs, servers, 0, true) + retryDelayMs(0, i === 0, 0.99);
        }
        assert.ok(tookMs <= sessionMs / 3 + servers * 50, `${servers} servers, ${sessionMs} ms: ${tookMs}`);
      }
    }
  });

  test('pauses between tries stay within a second, and are none that all clients share', () => {
    for (let round = 0; round < 50; round++) {
      const [least, most] = [retryDelayMs(round, true, 0), retryDelayMs(round, true, 0.999)];
      assert.ok(least < most && most <= 1_000);
    }
  });
});

test('all servers come by turns, in an order by chance', () => {
  const servers = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }));
  const rotation = new ServerRotation(servers, countingRandom());
  const seen = Array.from({ length: 6 }, () => rotation.next().host);
  assert.deepEqual(seen.slice(0, 3).toSorted(), ['a', 'b', 'c']);
  assert.deepEqual(seen.slice(3), seen.slice(0, 3));
  assert.equal(rotation.round, 2);
  rotation.found();
  assert.equal(rotation.round, 0);
  assert.notEqual(rotation.next().host, seen.at(-1), 'not the one that was just lost');
});

describe('the order of calls', () => {
  test('outcomes are told in the order of the calls, each once, whatever is known first', () => {
    const step = fc.constantFrom('write', 'read', 'bad-call', 'send', 'answer', 'lose', 'deliver');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new CallQueue();
        const told: number[] = [];
        const sent: TestCall[] = [];
        let made = 0;
        for (const what of steps) {
          if (what === 'write') queue.add(new TestCall((made += 1), told, Buffer.alloc(8), true));
          if (what === 'read') queue.add(new TestCall((made += 1), told, Buffer.alloc(8), false));
          if (what === 'bad-call') {
            const call: Call = new TestCall((made += 1), told, null, false);
            call.fail(new CoordinationError('BADARGUMENTS', '/'));
            queue.add(call);
          }
          if (what === 'send') {
            const call = queue.takeUnsent() as TestCall | null;
            if (call !== null) sent.push(call);
          }
          if (what === 'answer') sent.shift()?.succeed();
          if (what === 'lose') {
            const open = sent.filter(({ settled }) => settled === null);
            queue.loseSent(() => new CoordinationError('CONNECTIONLOSS', '/'));
            assert.ok(open.every(({ isWrite, settled }) => !isWrite || settled !== null));
            sent.length = 0;
          }
          if (what === 'deliver') queue.deliver();
          assert.equal(queue.count, made - told.length);
        }
        queue.failSent(() => new CoordinationError('CONNECTIONLOSS', '/'));
        queue.failUnsent(() => new CoordinationError('SESSIONEXPIRED', '/'));
        queue.deliver();
        assert.deepEqual(
          told,
          Array.from({ length: made }, (_, i) => i + 1),
        );
        assert.equal(queue.sizeBytes, 0);
      }),
    );
  });

  class TestCall implements Call {
    readonly path = '/';
    readonly frame: Buffer | null;
    readonly isWrite: boolean;
    sends = 0;
    settled: (() => void) | null = null;
    private readonly number: number;
    private readonly told: number[];

    constructor(number: number, told: number[], frame: Buffer | null, isWrite: boolean) {
      this.isWrite = isWrite;
      this.number = number;
      this.told = told;
      this.frame = frame;
    }

    fail(): void {
      this.succeed();
    }

    succeed(): void {
      this.settled = () => void this.told.push(this.number);
    }
  }
});

describe('zookeeper.connect', () => {
  const good: [string, string, string][] = [
    ['h1:2181', 'h1:2181', ''],
    ['h1', 'h1:2181', ''],
    ['h1:1,h2:2 , h3:3/kafka', 'h1:1 h2:2 h3:3', '/kafka'],
    ['h1:1/a/b', 'h1:1', '/a/b'],
    ['h1:1/', 'h1:1', ''],
    ['[::1]:2182,10.0.0.1:2183', '::1:2182 10.0.0.1:2183', ''],
  ];
  for (const [text, servers, chroot] of good) {
    test(`"${text}"`, () => {
      const parsed = parseConnectString(text);
      assert.equal(parsed.servers.map(({ host, port }) => `${host}:${port}`).join(' '), servers);
      assert.equal(parsed.chroot, chroot);
    });
  }

  for (const text of [
    '',
    ',',
    'h1:',
    'h1:0',
    'h1:65536',
    'h1:x',
    'h1:1,,h2:2',
    ':2181',
    'h1:1/a,h2:2/a',
    '::1',
    'h1/a//b',
  ]) {
    test(`"${text}" is refused, with what is allowed`, () => {
      assert.throws(
        () => parseConnectString(text),
        /zookeeper\.connect \(".*"\).*(expected is host:port|must start with|only after the last)/,
      );
    });
  }
});

test('nodes are open, or protected as Apache Kafka does it', () => {
  const shown = (path: string, isProtected: boolean) =>
    accessOf(path, isProtected)
      .map(({ permissions, scheme, id }) => `${scheme}:${id}:${permissions}`)
      .join(' ');
  assert.equal(shown('/brokers/ids/1', false), 'world:anyone:31');
  assert.equal(shown('/brokers/ids/1', true), 'auth::31 world:anyone:1');
  assert.equal(shown('/config/users/alice', true), 'auth::31');
  assert.equal(shown('/config/brokers', true), 'auth::31');
  assert.equal(shown('/consumers', true), 'world:anyone:31');
  assert.equal(shown('/config/topics/users', true), 'auth::31 world:anyone:1');
});
