import { hostname } from 'node:os';
import type { BrokerEndpoint } from '@odradek/core/controller/broker-registration.ts';
import type { BrokerConfig } from '../config/broker-config.ts';
import type { Listener as ListenerAddress } from '../config/listeners.ts';
import { Listener, type ListenerParts } from './listener.ts';

/**
 * Takes the addresses of all listeners; nobody is served before they are opened.
 *
 * @param listeners takes those that were made, also when the next one fails
 * @returns what clients and other brokers are told of
 * @throws the system's error when an address cannot be had
 */
export async function bindListeners(
  config: BrokerConfig,
  parts: ListenerParts,
  listeners: Listener[],
): Promise<readonly BrokerEndpoint[]> {
  const ports = new Map<string, number>();
  for (const address of config.listeners) {
    const listener = new Listener(listenerSettings(config, address), parts);
    ports.set(address.name, await listener.bind());
    listeners.push(listener);
  }
  return config.advertisedListeners.map((address) => endpointOf(address, ports));
}

function listenerSettings(config: BrokerConfig, address: ListenerAddress) {
  return {
    name: address.name,
    host: address.host,
    port: address.port,
    backlog: config.socketListenBacklogSize,
    frameSizeMaxBytes: config.socketRequestMaxBytes,
    idleMaxMs: config.connectionsMaxIdleMs,
    connectionsMax: config.maxConnectionsPerListener.get(address.name) ?? config.maxConnections,
    connectionsPerHostMax: config.maxConnectionsPerIp,
    connectionsPerHostOverrides: config.maxConnectionsPerIpOverrides,
  };
}

/** An advertised port of 0 is the one that the listener got; an empty host is this machine's name. */
function endpointOf(address: ListenerAddress, ports: ReadonlyMap<string, number>): BrokerEndpoint {
  return {
    listenerName: address.name,
    securityProtocol: address.protocol,
    host: address.host === '' ? hostname() : address.host,
    port: address.port === 0 ? (ports.get(address.name) ?? 0) : address.port,
  };
}
