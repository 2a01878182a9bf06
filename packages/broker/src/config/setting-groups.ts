import type { Setting } from './setting.ts';
import { consumerGroupsSettings } from './settings/consumer-groups.ts';
import { generalSettings } from './settings/general.ts';
import { groupsSettings } from './settings/groups.ts';
import { kraftSettings } from './settings/kraft.ts';
import { listenersSettings } from './settings/listeners.ts';
import { logCleanerSettings } from './settings/log-cleaner.ts';
import { logSettings } from './settings/log.ts';
import { metricsSettings } from './settings/metrics.ts';
import { offsetsSettings } from './settings/offsets.ts';
import { quotasSettings } from './settings/quotas.ts';
import { remoteStorageSettings } from './settings/remote-storage.ts';
import { replicationSettings } from './settings/replication.ts';
import { saslSettings } from './settings/sasl.ts';
import { securitySettings } from './settings/security.ts';
import { shareGroupsSettings } from './settings/share-groups.ts';
import { socketsSettings } from './settings/sockets.ts';
import { tlsSettings } from './settings/tls.ts';
import { transactionsSettings } from './settings/transactions.ts';
import { zookeeperSettings } from './settings/zookeeper.ts';

/** Settings of one concern, under a title. */
export interface SettingGroup {
  readonly title: string;
  readonly settings: Readonly<Record<string, Setting>>;
}

/** The broker settings in the order in which a reader looks for them. */
export const settingGroups: readonly SettingGroup[] = [
  { title: 'The broker and its requests', settings: generalSettings },
  { title: 'Listeners', settings: listenersSettings },
  { title: 'Connections', settings: socketsSettings },
  { title: 'Logs', settings: logSettings },
  { title: 'Compaction', settings: logCleanerSettings },
  { title: 'Replication', settings: replicationSettings },
  { title: 'The offsets topic', settings: offsetsSettings },
  { title: 'Classic groups', settings: groupsSettings },
  { title: 'Consumer groups (KIP-848)', settings: consumerGroupsSettings },
  { title: 'Share groups (KIP-932)', settings: shareGroupsSettings },
  { title: 'Transactions and idempotent producers', settings: transactionsSettings },
  { title: 'Quotas', settings: quotasSettings },
  { title: 'Security', settings: securitySettings },
  { title: 'TLS', settings: tlsSettings },
  { title: 'SASL', settings: saslSettings },
  { title: 'ZooKeeper', settings: zookeeperSettings },
  { title: 'Metrics', settings: metricsSettings },
  { title: 'Tiered storage', settings: remoteStorageSettings },
  { title: 'KRaft', settings: kraftSettings },
];
