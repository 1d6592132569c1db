// A foreign IMS core: Debian's Kamailio as I-CSCF and S-CSCF, with the HSS beside this file.
//
// The configurations are Debian's own samples, changed where a machine without DNS, MySQL and root
// wants it. Each change says why. Everything runs on loopback, on ports that were free, from a
// folder that is removed again; every process is ended by the id it was started with.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

import { freePorts } from '../ports.js';
import { startHss } from './hss.js';

const SAMPLES = '/usr/share/doc/kamailio/examples/ims';
const MODULES = '/usr/lib/x86_64-linux-gnu/kamailio/modules/';
const SCHEMAS = '/usr/share/kamailio/db_sqlite';

/**
 * Starts the core for the home domain `realm`. `subscribers` as for the HSS. Gives
 * `{ icscf: 'sip:127.0.0.1:PORT', port, log(), stop() }`.
 */
export async function startKamailioIms({ realm, subscribers }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kamailio-ims-'));
  const [icscf, scscf, icscfPeer, scscfPeer] = await freePorts(4);
  const hss = await startHss({ realm, scscf: `sip:127.0.0.1:${scscf}`, subscribers });
  const processes = [];
  const stop = async () => {
    await Promise.all(processes.map(end));
    await hss.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  };
  const place = { realm, folder, icscf, scscf, hss: hss.port };
  try {
    writeScscf(place, scscfPeer);
    writeIcscf(place, icscfPeer);
    for (const name of ['icscf', 'scscf']) processes.push(start(folder, name));
    await ready(hss, processes);
  } catch (error) {
    const log = logs(folder);
    await stop();
    throw new Error(`the foreign core did not start: ${error.message}\n${log}`);
  }
  return { icscf: `sip:127.0.0.1:${icscf}`, port: icscf, log: () => logs(folder), stop };
}

function start(folder, name) {
  const home = path.join(folder, name);
  const log = fs.openSync(path.join(folder, `${name}.log`), 'a');
  const words = ['-DD', '-E', '-f', `${home}/kamailio.cfg`, '-Y', home, '-w', home];
  return spawn('/usr/sbin/kamailio', [...words, '-m', '128', '-M', '16'], {
    stdio: ['ignore', log, log],
  });
}

/** Ready is when both have exchanged capabilities with the HSS, the last thing that they do. */
async function ready(hss, processes) {
  const deadline = Date.now() + 40_000;
  while (hss.peers() < 2) {
    if (processes.some((child) => child.exitCode !== null)) throw new Error('a process ended');
    if (Date.now() > deadline) throw new Error('no Diameter connections within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function end(child) {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), 3_000);
    child.once('exit', () => {
      clearTimeout(hard);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

function logs(folder) {
  return ['icscf', 'scscf']
    .map((name) => {
      const file = path.join(folder, `${name}.log`);
      return `--- ${name}\n${fs.existsSync(file) ? fs.readFileSync(file, 'utf8').slice(-4000) : ''}`;
    })
    .join('\n');
}

/** What both samples want changed. */
function common(sample, { folder, hss }, name) {
  const home = path.join(folder, name);
  return sample
    .replaceAll(`/etc/kamailio_${name}`, home)
    .replaceAll(`/run/kamailio_${name}/kamailio_ctl`, `${home}/ctl`)
    .replace(/^children=.*$/m, 'children=2')
    .replace(/^mpath=.*$/m, `mpath="${MODULES}"`)
    .replaceAll(`include_file "${name}.cfg"`, `include_file "${home}/${name}.cfg"`)
    .replace(/^loadmodule "jsonrpcs.so".*$/m, '') // would open a fixed port
    .replace(/^modparam\("jsonrpcs".*$/gm, '')
    .replace('log_stderror=no', 'log_stderror=yes')
    .replace(/"mod_level", "(.*)=3"/g, '"mod_level", "$1=2"') // a test keeps the log
    .replaceAll('3868', String(hss));
}

function writeScscf(place, peerPort) {
  const { realm, folder, icscf, scscf } = place;
  const home = path.join(folder, 'scscf');
  fs.mkdirSync(home);
  for (const release of ['Rel6', 'Rel7', 'Rel8']) {
    const schema = `CxDataType_${release}.xsd`;
    fs.writeFileSync(path.join(home, schema), sample(`scscf/${schema}`));
  }
  fs.writeFileSync(
    path.join(home, 'scscf.cfg'),
    [
      `listen=udp:127.0.0.1:${scscf}`,
      `#!define NETWORKNAME "${realm}"`,
      `#!define HOSTNAME "scscf.${realm}"`,
      `#!define URI "sip:127.0.0.1:${scscf}"`,
      `alias=scscf.${realm}`,
      `alias=${realm}`,
      `#!define ENUM_SUFFIX "${realm}."`,
      '#!define REG_AUTH_DEFAULT_ALG "HSS-Selected"',
      '#!define WITH_AUTH',
      '#!define TCP_PROCESSES 2',
      '',
    ].join('\n'),
  );
  fs.writeFileSync(path.join(home, 'dispatcher.list'), '1 sip:127.0.0.1:9 0\n');
  fs.writeFileSync(path.join(home, 'scscf.xml'), diameterPeer(place, 'scscf', peerPort));
  const database = path.join(home, 'presence.db');
  for (const tables of ['standard', 'presence']) {
    sqlite(database, fs.readFileSync(`${SCHEMAS}/${tables}-create.sql`, 'utf8'));
  }
  let config = common(sample('scscf/kamailio.cfg'), place, 'scscf')
    .replace(/^.*"dispatcher", "(dst_avp|grp_avp|cnt_avp|sock_avp)".*$/gm, '') // gone in 5.6
    // ims_usrloc_scscf wants the presence module, which wants a database.
    .replace(
      'loadmodule "pike.so"\n',
      'loadmodule "pike.so"\nloadmodule "db_sqlite"\nloadmodule "presence"\n' +
        `modparam("presence","db_url","sqlite:///${database}")\n`,
    )
    // The two-argument save() of 5.6 crashes at random: give it all four.
    .replace(/save\("((?:PRE_)?REG_SAR_REPLY)","location"\)/g, 'save("$1","location","0","0")');
  // ims_auth knows no integrity-protected values: trust «auth-done» by script, as an operator's
  // S-CSCF does for its own eP-CSCF (TS 33.203 annex U).
  config = insertAfter(
    config,
    'route[REGISTER] {\n',
    '\tif (($si == "127.0.0.1") && ($hdr(Authorization) =~ "auth-done")) {\n' +
      '\t\tif (!impu_registered("location")) { save("PRE_REG_SAR_REPLY","location","0","0"); }\n' +
      '\t\telse { save("REG_SAR_REPLY","location","0","0"); }\n\t\texit;\n\t}\n',
  );
  // ims_auth keeps a challenge only after it has sent it: an answer that overtakes the process that
  // sent it, as it does on a busy machine, would be a stranger's. So it is looked at again.
  config = config
    .replace('loadmodule "pike.so"\n', 'loadmodule "pike.so"\nloadmodule "cfgutils.so"\n')
    .replace(
      '#!ifdef WITH_AUTH\n\tif (!ims_www_authenticate("$td")) {',
      `	$var(looks) = 8;
	if ($adn == $null || $adn == "") { $var(looks) = 1; }
	while ($var(looks) > 0) {
		ims_www_authenticate("$td");
		$var(auth) = $?;
		$var(looks) = $var(looks) - 1;
		if ($var(auth) != -1) { $var(looks) = 0; }
		if ($var(looks) > 0) { usleep("50000"); }
	}
#!ifdef WITH_AUTH
	if ($var(auth) < 0) {`,
    )
    .replace(/if \(\$\? == -(2|3|9)\)/g, 'if ($var(auth) == -$1)');
  // Without DNS a call to our own domain finds the I-CSCF by address.
  config = config.replace(
    /(route\[FINAL_ORIG\]\s*\{[\s\S]*?)t_relay\(\);/,
    `$1if ($rd == "${realm}") { $du = "sip:127.0.0.1:${icscf}"; }\n\tt_relay();`,
  );
  fs.writeFileSync(path.join(home, 'kamailio.cfg'), config);
}

function writeIcscf(place, peerPort) {
  const { realm, folder, icscf, scscf } = place;
  const home = path.join(folder, 'icscf');
  fs.mkdirSync(home);
  const database = path.join(home, 'icscf.db');
  fs.writeFileSync(
    path.join(home, 'icscf.cfg'),
    [
      `listen=udp:127.0.0.1:${icscf}`,
      `alias=${realm}`,
      `#!define NETWORKNAME "${realm}"`,
      `#!define HOSTNAME "icscf.${realm}"`,
      `#!define DB_URL "sqlite:///${database}"`,
      '',
    ].join('\n'),
  );
  fs.writeFileSync(path.join(home, 'icscf.xml'), diameterPeer(place, 'icscf', peerPort));
  sqlite(
    database,
    `CREATE TABLE version (id INTEGER PRIMARY KEY, table_name TEXT UNIQUE, table_version INTEGER);
     CREATE TABLE nds_trusted_domains (id INTEGER PRIMARY KEY, trusted_domain TEXT);
     CREATE TABLE s_cscf (id INTEGER PRIMARY KEY, name TEXT, s_cscf_uri TEXT);
     CREATE TABLE s_cscf_capabilities (id INTEGER PRIMARY KEY, id_s_cscf INTEGER, capability INTEGER);
     INSERT INTO version (table_name, table_version)
       VALUES ('nds_trusted_domains', 1), ('s_cscf', 1), ('s_cscf_capabilities', 1);
     INSERT INTO nds_trusted_domains VALUES (1, '${realm}');
     INSERT INTO s_cscf VALUES (1, 'scscf', 'sip:127.0.0.1:${scscf}');
     INSERT INTO s_cscf_capabilities VALUES (1, 1, 0), (2, 1, 1);`,
  );
  const config = common(sample('icscf/kamailio.cfg'), place, 'icscf')
    .replace('loadmodule "db_mysql"', 'loadmodule "db_sqlite"')
    // The sample puts a + before every user part, for networks that know E.164 numbers alone.
    .replace(/if !\(\$rU =~ "\\\+\.\*"\) \{\s*prefix\("\+"\);\s*\}/, '');
  fs.writeFileSync(path.join(home, 'kamailio.cfg'), config);
}

function diameterPeer({ realm, hss }, name, port) {
  return `<?xml version="1.0" encoding="UTF-8"?>
<DiameterPeer FQDN="${name}.${realm}" Realm="${realm}" Vendor_Id="10415"
  Product_Name="CDiameterPeer" AcceptUnknownPeers="1" DropUnknownOnDisconnect="1" Tc="2"
  Workers="2" QueueLength="32" TransactionTimeout="5" SessionsHashSize="128"
  DefaultAuthSessionTimeout="3600" MaxAuthSessionTimeout="3600">
 <Peer FQDN="localhost" Realm="${realm}" port="${hss}"/>
 <Acceptor port="${port}" bind="127.0.0.1"/>
 <Auth id="16777216" vendor="10415"/>
 <SupportedVendor vendor="10415"/>
 <DefaultRoute FQDN="localhost" metric="10"/>
</DiameterPeer>
`;
}

function sample(name) {
  const file = path.join(SAMPLES, name);
  if (fs.existsSync(file)) return fs.readFileSync(file, 'utf8');
  return gunzipSync(fs.readFileSync(`${file}.gz`)).toString('utf8');
}

function insertAfter(textual, mark, addition) {
  if (!textual.includes(mark)) throw new Error(`the sample has no «${mark.trim()}»`);
  return textual.replace(mark, mark + addition);
}

function sqlite(database, statements) {
  execFileSync('sqlite3', [database], { input: statements });
}
