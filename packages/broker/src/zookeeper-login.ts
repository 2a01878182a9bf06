import { readFileSync } from 'node:fs';
import { parseJaas } from './config/jaas-file.ts';

/** The section that ZooKeeper's client reads. */
const SECTION = 'Client';
const DIGEST_MODULE = 'org.apache.zookeeper.server.auth.DigestLoginModule';

/**
 * User and password towards ZooKeeper, from where operators of Kafka have them: the section `Client` of the file that
 * `KAFKA_OPTS` names by `-Djava.security.auth.login.config`. Null where there is none.
 *
 * @throws Error when the file cannot be used; it never shows what may be a secret
 */
export function zookeeperLogin(
  env: Readonly<Record<string, string | undefined>>,
): { user: string; password: string } | null {
  const file = /(?:^|\s)-Djava\.security\.auth\.login\.config=(?:"([^"]*)"|(\S+))/.exec(
    env['KAFKA_OPTS'] ?? '',
  );
  const location = file?.[1] ?? file?.[2];
  if (location === undefined) return null;
  try {
    return loginOf(readFileSync(location, 'utf8'));
  } catch (cause) {
    throw new Error(
      `the login file ${location} (java.security.auth.login.config in KAFKA_OPTS): ${(cause as Error).message}`,
      { cause },
    );
  }
}

function loginOf(text: string): { user: string; password: string } | null {
  const modules = parseJaas(text).get(SECTION);
  if (modules === undefined) return null;
  const [module] = modules;
  if (module === undefined || module.module !== DIGEST_MODULE) {
    throw new Error(
      `section ${SECTION} has the login module ${module?.module ?? '(none)'}; what there is towards ZooKeeper is ${DIGEST_MODULE}`,
    );
  }
  const user = module.options.get('username');
  const password = module.options.get('password');
  if (user === undefined || password === undefined) {
    throw new Error(`section ${SECTION} needs username and password`);
  }
  return { user, password };
}
