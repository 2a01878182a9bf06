import { oneOf } from '../setting-check.ts';
import { notSupported, string, withoutEffect } from '../setting.ts';

/** Where the broker listens and which addresses it tells to clients. */
export const listenersSettings = {
  listeners: string({
    default: 'PLAINTEXT://:9092',
    importance: 'high',
    update: 'per-broker',
    about:
      'Addresses to listen on, as NAME://host:port; no host means all interfaces, port 0 any free port. A single broker without ZooKeeper listens on PLAINTEXT://127.0.0.1:9092 unless told otherwise.',
  }),
  'advertised.listeners': string({
    default: null,
    importance: 'high',
    update: 'per-broker',
    about: 'Addresses told to clients, where they differ from listeners.',
  }),
  'listener.security.protocol.map': string({
    default: 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    importance: 'low',
    update: 'per-broker',
    about: 'Security protocol of each listener name. Odradek serves PLAINTEXT.',
  }),
  'inter.broker.listener.name': string({
    default: null,
    about: 'Listener that other brokers use.',
  }),
  'security.inter.broker.protocol': string({
    default: 'PLAINTEXT',
    check: oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'),
    about:
      'Security protocol between brokers where inter.broker.listener.name is not set. Odradek serves PLAINTEXT.',
  }),
  'control.plane.listener.name': string({
    default: null,
    importance: 'high',
    status: notSupported('requests of the controller come in by the same listeners as all others', 'warn'),
    about: 'Listener for requests of the controller only.',
  }),
  'early.start.listeners': string({
    default: null,
    importance: 'high',
    status: withoutEffect('all listeners open together once the broker is ready'),
    about: 'Listeners that open before authorization is ready.',
  }),
};
