/** Kinds of resources that have settings, by their number in the protocol. */
export const ConfigResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

/** Where a value comes from, by its number in the protocol. */
export const ConfigSource = {
  UNKNOWN: 0,
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  DYNAMIC_BROKER_LOGGER: 6,
} as const;

export interface ConfigResource {
  /** One of ConfigResourceType, or a number that means nothing. */
  readonly type: number;
  /** Of a broker: its number, or empty for all of the cluster. */
  readonly name: string;
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ConfigResourceType).map(([name, id]) => [id, name]),
);

/** As Kafka's error messages name it. */
export function resourceText(resource: ConfigResource): string {
  return `ConfigResource(type=${NAMES.get(resource.type) ?? 'UNKNOWN'}, name='${resource.name}')`;
}
