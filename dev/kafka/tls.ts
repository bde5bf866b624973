import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jdk } from './jars.ts';

const exec = promisify(execFile);

/** Password of the key stores that `makeCertificates` writes; they are thrown away with the cluster. */
export const storePassword = 'changeit';

/** Makes a certificate authority and a broker certificate for localhost and 127.0.0.1 in `dir`: `ca.pem`, `broker.p12`. */
export const makeCertificates = async (dir: string): Promise<{ caFile: string; keyStore: string }> => {
  const keytool = (...options: string[]): Promise<unknown> =>
    exec(jdk('keytool'), [...options, '-storepass', storePassword], { cwd: dir });
  const makeKey = (alias: string, subject: string, extensions: string[]): Promise<unknown> =>
    keytool(
      ...['-genkeypair', '-alias', alias, '-keyalg', 'EC', '-groupname', 'secp256r1', '-dname', `CN=${subject}`],
      ...['-validity', '3650', '-storetype', 'PKCS12', '-keystore', `${alias}.p12`, '-keypass', storePassword],
      ...extensions,
    );
  const importInto = (alias: string, file: string): Promise<unknown> =>
    keytool('-importcert', '-noprompt', '-alias', alias, '-keystore', 'broker.p12', '-file', file);

  await Promise.all([
    makeKey('ca', 'kafka-dev-ca', ['-ext', 'bc:c=ca:true', '-ext', 'ku:c=keyCertSign,cRLSign']),
    makeKey('broker', 'localhost', []),
  ]);
  await Promise.all([
    keytool('-certreq', '-alias', 'broker', '-keystore', 'broker.p12', '-file', 'broker.csr'),
    keytool('-exportcert', '-rfc', '-alias', 'ca', '-keystore', 'ca.p12', '-file', 'ca.pem'),
  ]);
  await keytool(
    ...['-gencert', '-rfc', '-alias', 'ca', '-keystore', 'ca.p12', '-infile', 'broker.csr', '-outfile', 'broker.pem'],
    ...['-validity', '3650', '-ext', 'san=dns:localhost,ip:127.0.0.1'],
  );
  await importInto('ca', 'ca.pem');
  await importInto('broker', 'broker.pem');
  return { caFile: join(dir, 'ca.pem'), keyStore: join(dir, 'broker.p12') };
};
