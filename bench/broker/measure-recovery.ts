import { join } from 'node:path';
import { cpuSecondsOf, rssBytesOf } from '../load/broker-process.ts';
import type { Pinning } from '../pinning.ts';
import type { Metrics } from '../report/metrics.ts';
import { assertUntouched, plant, type CrashedLog } from './crashed-log.ts';
import type { Peer } from './peers.ts';
import { createTopics, produceOne, untilServed } from './topics.ts';

const TOPIC = 'crashed';

/** A broker that is killed and finds a log of which nothing is known to be whole: how long until it serves all of it. */
export async function measureRecovery(
  log: CrashedLog,
  peer: Peer,
  { brokerCore }: Pinning,
): Promise<Metrics> {
  const target = await peer.start(brokerCore);
  try {
    await createTopics(target, [TOPIC], 1);
    await produceOne(target, TOPIC);
    await target.kill();
    plant(log, join(target.dataDirectory, `${TOPIC}-0`));
    await target.startAgain();
    const began = performance.now();
    await untilServed(target, TOPIC, 1, log.endOffset);
    const seconds = (target.startedInMs + performance.now() - began) / 1000;
    assertUntouched(log);
    return {
      'start until all is served, s': seconds,
      recovered: log.sizeBytes / 1e9 / seconds,
      'processor time of that, s': cpuSecondsOf(target.pid),
      'memory after that': rssBytesOf(target.pid) / 1e6,
    };
  } finally {
    await target.stop();
  }
}
