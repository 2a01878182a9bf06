import type { Outcome } from '../outcome.ts';
import { Stage } from '../stage.ts';
import { CONTROLLER_SCENARIOS } from './controller-scenarios.ts';
import { COORDINATOR_SCENARIOS } from './coordinator-scenarios.ts';
import { Director } from './director.ts';
import { IN_SYNC_SCENARIOS } from './in-sync-scenarios.ts';
import type { Scenario } from './scenario.ts';
import { TOPIC_SCENARIOS } from './topic-scenarios.ts';
import { TRUNCATION_SCENARIOS } from './truncation-scenarios.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...TRUNCATION_SCENARIOS,
  ...IN_SYNC_SCENARIOS,
  ...CONTROLLER_SCENARIOS,
  ...TOPIC_SCENARIOS,
  ...COORDINATOR_SCENARIOS,
];

/** Plays a scenario; the seed decides what it leaves open, such as how long packets take. */
export async function playScenario(scenario: Scenario, seed = 1): Promise<Outcome> {
  const topic = { name: 'orders', replicationFactor: 3, ...scenario.topic, partitions: 1 };
  const { brokers, properties = {} } = scenario;
  const stage = new Stage({ seed, brokers, topic, properties });
  await stage.play(async () => {
    await stage.begin();
    const director = new Director(stage);
    await scenario.play(director);
    await stage.heal();
    await director.settled();
    await stage.settle();
    await stage.judge();
  });
  return stage.outcome(seed, []);
}
