import { encodeJson, JsonNode, NodeFormatError } from './json-node.ts';
import { treePaths } from './tree-paths.ts';

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

/** One address of a broker, as clients of that listener are told. */
export interface BrokerEndpoint {
  readonly listenerName: string;
  readonly securityProtocol: SecurityProtocol;
  readonly host: string;
  readonly port: number;
}

/** What a broker says of itself in `/brokers/ids/ID`. */
export interface BrokerRegistration {
  readonly brokerId: number;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly rack: string | null;
  /** -1 when there is none, as for all that is no JVM. */
  readonly jmxPort: number;
  readonly timestampMs: number;
}

const SECURITY_PROTOCOLS: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

/** Version 5, the one of Apache Kafka 2.7 and later; it writes no features in ZooKeeper mode. */
export function encodeBrokerRegistration(broker: BrokerRegistration): Buffer {
  // Consumers of before 0.9 know only these two, and only plaintext.
  const plaintext = broker.endpoints.find((endpoint) => endpoint.securityProtocol === 'PLAINTEXT');
  return encodeJson({
    version: 5,
    host: plaintext?.host ?? null,
    port: plaintext?.port ?? -1,
    endpoints: broker.endpoints.map(endpointText),
    jmx_port: broker.jmxPort,
    timestamp: String(broker.timestampMs),
    ...(broker.rack === null ? {} : { rack: broker.rack }),
    listener_security_protocol_map: Object.fromEntries(
      broker.endpoints.map((endpoint) => [endpoint.listenerName, endpoint.securityProtocol]),
    ),
    features: {},
  });
}

/** Reads versions 1 to 5. @throws NodeFormatError */
export function decodeBrokerRegistration(brokerId: number, data: Buffer | null): BrokerRegistration {
  const path = treePaths.broker(brokerId);
  const node = new JsonNode(path, data);
  const version = node.integer('version');
  if (version < 1) throw new NodeFormatError(path, `version ${version}, and the first is 1`);
  return {
    brokerId,
    endpoints: version === 1 ? [soleEndpoint(node)] : listedEndpoints(path, node),
    rack: node.has('rack') ? node.string('rack') : null,
    jmxPort: node.has('jmx_port') ? node.integer('jmx_port') : -1,
    timestampMs: node.has('timestamp') ? Number(node.string('timestamp')) : -1,
  };
}

function soleEndpoint(node: JsonNode): BrokerEndpoint {
  return {
    listenerName: 'PLAINTEXT',
    securityProtocol: 'PLAINTEXT',
    host: node.string('host'),
    port: node.integer('port'),
  };
}

function listedEndpoints(path: string, node: JsonNode): BrokerEndpoint[] {
  const protocols = node.stringMap('listener_security_protocol_map');
  return node.strings('endpoints').map((text) => {
    const match = /^(.*?):\/\/(?:\[([0-9a-fA-F:%.]*)\]|([^[\]]*)):(-?\d+)$/.exec(text);
    if (match === null) throw new NodeFormatError(path, `"${text}", which is not LISTENER://host:port`);
    const [, listenerName, ipv6, host, port] = match;
    const securityProtocol = protocols.get(listenerName!) ?? listenerName!;
    if (!SECURITY_PROTOCOLS.includes(securityProtocol))
      throw new NodeFormatError(path, `the unknown security protocol "${securityProtocol}"`);
    return {
      listenerName: listenerName!,
      securityProtocol: securityProtocol as SecurityProtocol,
      host: ipv6 ?? host!,
      port: Number(port),
    };
  });
}

function endpointText({ listenerName, host, port }: BrokerEndpoint): string {
  return `${listenerName}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
