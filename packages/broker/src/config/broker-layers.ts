import type { Properties } from './server-properties.ts';
import { brokerSynonyms } from './broker-settings.ts';

/** The layers of a broker's settings, from the strongest to the weakest; defaults come below. */
export interface BrokerLayers {
  /** Of this broker, while it runs. */
  readonly dynamic: Properties;
  /** Of all brokers of the cluster, while they run. */
  readonly dynamicDefault: Properties;
  /** Of the file and the command line. */
  readonly fixed: Properties;
}

/**
 * What counts in the end. A value of a stronger layer takes the place of all that weaker ones say of the same
 * quantity under other names: `log.retention.hours` set dynamically beats `log.retention.ms` of the file.
 */
export function effectiveProperties(layers: BrokerLayers): Properties {
  return overlay(overlay(layers.fixed, layers.dynamicDefault), layers.dynamic);
}

function overlay(weaker: Properties, stronger: Properties): Properties {
  const hidden = new Set(Object.keys(stronger).flatMap((name) => brokerSynonyms(name, false)));
  const left = Object.entries(weaker).filter(([name]) => !hidden.has(name));
  return { ...Object.fromEntries(left), ...stronger };
}
