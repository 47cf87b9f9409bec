/** Texts as people write them, without their first line `#cloud-config`; cloud-init takes them. */
const good: Record<string, string> = {
  'a user with keys':
    'users:\n  - default\n  - name: ann\n    gecos: Ann\n    groups: [sudo, adm]\n    shell: /bin/bash\n    sudo: ALL=(ALL) NOPASSWD:ALL\n    ssh_authorized_keys:\n      - ssh-ed25519 AAAAC3Nz ann@desk\n',
  'the default user alone': 'users: [default]\n',
  'groups with members': 'groups:\n  - admins: [root, sys]\n  - others\n',
  'packages with versions':
    'package_update: true\npackage_upgrade: yes\npackages:\n  - nginx\n  - [libc6, 2.36-9]\n',
  'commands as text and as lists': 'runcmd:\n  - echo hello\n  - [ls, -l, /]\n  - null\n',
  'commands before anything else':
    'bootcmd:\n  - echo 192.168.1.130 us.archive.ubuntu.com >> /etc/hosts\n  - [cloud-init-per, once, mymkfs, mkfs, /dev/vdb]\n',
  'a file':
    "write_files:\n  - path: /etc/motd\n    owner: root:root\n    permissions: '0644'\n    content: |\n      Hello.\n",
  'a compressed file':
    "write_files:\n  - path: /usr/bin/hello\n    encoding: gz+b64\n    content: !!binary |\n      H4sIAIDb/U8C/1NW1E/KzNMvzuBKTc7IV8hIzcnJVyjPL8pJ4QIA6N+MVxsAAAA=\n    permissions: '0755'\n",
  'a file that comes late, and one that is added to':
    'write_files:\n  - {path: /a, content: x, defer: true}\n  - {path: /b, content: y, append: true}\n',
  'a host name':
    'hostname: web1\nfqdn: web1.example.com\nmanage_etc_hosts: true\nprefer_fqdn_over_hostname: false\npreserve_hostname: false\n',
  'a password of the default user': 'password: $6$salt$hash\nchpasswd: {expire: false}\nssh_pwauth: true\n',
  'passwords of users':
    'chpasswd:\n  expire: false\n  users:\n    - {name: ann, password: secret, type: text}\n    - {name: bob, type: RANDOM}\n    - {name: eve, password: $6$rounds=4096$a$b, type: hash}\n',
  'keys of the default user':
    "ssh_authorized_keys:\n  - ssh-ed25519 AAAAC3Nz me@desk\nssh_import_id: ['gh:somebody']\ndisable_root: false\n",
  'keys of the host':
    'ssh_deletekeys: true\nssh_genkeytypes: [ed25519, ecdsa]\nssh_keys:\n  ed25519_private: |\n    secret\n  ed25519_public: ssh-ed25519 AAAAC3Nz host\n',
  'locale, time zone and keyboard': 'locale: ja_JP.UTF-8\ntimezone: Asia/Tokyo\nkeyboard: {layout: jp}\n',
  'time servers':
    'ntp:\n  enabled: true\n  ntp_client: chrony\n  servers: [ntp1.example.com, 10.0.0.1]\n  pools: []\n',
  'a partition that grows':
    'growpart: {mode: auto, devices: [/], ignore_growroot_disabled: false}\nresize_rootfs: noblock\n',
  'a disk that is divided':
    'disk_setup:\n  /dev/sdb: {table_type: gpt, layout: [50, [50, 82]], overwrite: true}\nfs_setup:\n  - {label: data, filesystem: ext4, device: /dev/sdb1}\n',
  mounts:
    "mounts:\n  - [/dev/sdb1, /data, ext4, 'defaults,nofail', '0', '2']\n  - [swap, none, swap, sw, '0', '0']\nmount_default_fields: [null, null, auto, 'defaults,nofail', '0', '2']\n",
  swap: 'swap: {filename: /swap.img, size: auto, maxsize: 1073741824}\n',
  'a source of packages':
    'apt:\n  preserve_sources_list: true\n  sources:\n    docker.list:\n      source: deb https://download.docker.com/linux/debian bookworm stable\n      keyid: 9DC858229FC7DD38854AE2D88D81803C0EBFCD88\n',
  'mirrors of packages':
    'apt:\n  primary:\n    - arches: [default]\n      uri: http://deb.example.com/debian\n',
  'a restart at the end':
    'power_state: {mode: reboot, message: Bye, timeout: 30, condition: true, delay: now}\n',
  'a word to somebody at the end':
    "phone_home: {url: 'http://10.0.0.1/$INSTANCE_ID', post: all, tries: 5}\nfinal_message: up after $UPTIME s\n",
  certificates:
    'ca_certs:\n  remove_defaults: true\n  trusted:\n    - |\n      -----BEGIN CERTIFICATE-----\n      x\n      -----END CERTIFICATE-----\n',
  'name servers':
    'manage_resolv_conf: true\nresolv_conf:\n  nameservers: [8.8.8.8]\n  searchdomains: [example.com]\n  options: {rotate: true, timeout: 1}\n',
  'a remote log':
    "rsyslog:\n  remotes: {maas: 192.168.1.1}\n  configs: ['*.* @@192.158.1.1', {content: '*.*', filename: 01.conf}]\n",
  'an anchor and what it stands for':
    "x-defaults: &defaults\n  owner: root:root\n  permissions: '0600'\nwrite_files:\n  - <<: *defaults\n    path: /a\n    content: a\n",
  'yes and no, as PyYAML reads them':
    'package_update: yes\npackage_upgrade: Off\nmanage_etc_hosts: localhost\n',
  'y, which is text': 'users:\n  - name: y\n',
  '1e3, which is text': 'users:\n  - name: 1e3\n',
  'a flow of everything': '{packages: [a, b], runcmd: [[a, b], c]}\n',
  'comments and empty lines': '\n# first\n\npackages: # second\n  - a # third\n\n',
  'line ends of another system': 'packages:\r\n  - a\r\n',
  'other languages': 'write_files:\n  - path: /etc/motd\n    content: こんにちは\n',
  'a map whose keys stand twice': 'packages: 7\npackages: [a]\n',
  'deprecated words': "apt_update: true\nusers:\n  - name: a\n    lock-passwd: true\n    uid: '1000'\n",
  'a key that no module reads': 'runcmdd: [a]\n',
  'how it is merged': 'merge_how: list(append)+dict(recurse_array)+str()\npackages: [a]\n',
};

export interface BadCloudConfig {
  name: string;
  text: string;
  line: number | null;
  path: string | null;
  message: string;
}

/** What cloud-init refuses, and where dodai says that the fault is: line of the whole text, field, words; null: not compared. */
const bad: Record<string, [text: string, line: number | null, path: string | null, message: string]> = {
  'a tab before a key': ['users:\n\t- name: a\n', 3, null, 'is no YAML'],
  'a colon within a value': ['runcmd:\n  - echo a: b: c\n', 3, null, 'is no YAML'],
  'a quotation that does not end': ['hostname: "web1\n', null, null, 'is no YAML'],
  'a list that does not end': ['packages: [a, b\n', null, null, 'is no YAML'],
  'a key without its space': ['packages:\n  -a\n  -b\n', 3, 'packages', 'must be a list, and is'],
  'an alias of nothing': ['packages: *a\n', 2, null, 'is no YAML'],
  'two documents': ['packages: [a]\n---\npackages: [b]\n', 3, null, 'is no YAML'],
  'wrong indentation': ['users:\n  - name: a\n   shell: /bin/sh\n', null, null, 'is no YAML'],
  'a control character': ['hostname: a\u0001b\n', 2, null, 'control character U+0001'],
  'an unknown tag': ['hostname: !secret web1\n', 2, null, 'is no YAML'],
  'a list': ['- a\n- b\n', 2, null, 'is no map'],
  text: ['hello\n', 2, null, 'is no map'],
  nothing: ['', 1, null, 'is empty'],
  'packages that are text': ['packages: nginx\n', 2, 'packages', 'must be a list, and is "nginx"'],
  'packages that are none': ['packages: []\n', 2, 'packages', 'must have at least 1 entry'],
  'a package that is a number': ['packages:\n  - nginx\n  - 7\n', 4, 'packages[1]', 'and is 7'],
  'a user without a name': [
    'users:\n  - gecos: Ann\n    shel: /bin/sh\n',
    4,
    'users[0].shel',
    'there is no such key; known are name',
  ],
  'a user whose name is a number': ['users:\n  - name: 7\n', 3, 'users[0].name', 'must be text, and is 7'],
  'a user who is a number': ['users:\n  - 7\n', 3, 'users[0]', 'must be'],
  'a misspelt field of a user': [
    'users:\n  - name: a\n    ssh_authorised_keys: [x]\n',
    4,
    'users[0].ssh_authorised_keys',
    'there is no such key',
  ],
  'a key of a user that is text': [
    'users:\n  - name: a\n    ssh_authorized_keys: ssh-ed25519 AAAA\n',
    4,
    'users[0].ssh_authorized_keys',
    'must be a list',
  ],
  'an account that expires on a date': [
    'users:\n  - name: a\n    expiredate: 2030-01-01\n',
    4,
    'users[0].expiredate',
    'must be text, and is a date',
  ],
  'an account that expires on no date': [
    'users:\n  - name: a\n    expiredate: soon\n',
    4,
    'users[0].expiredate',
    '"soon" is no date',
  ],
  'a file without a path': ['write_files:\n  - content: x\n', 3, 'write_files[0]', 'needs path'],
  'rights that are a number': [
    'write_files:\n  - path: /a\n    permissions: 0644\n',
    4,
    'write_files[0].permissions',
    'must be text, and is 420',
  ],
  'an unknown encoding': [
    'write_files:\n  - path: /a\n    encoding: rot13\n',
    4,
    'write_files[0].encoding',
    'must be "gz", ',
  ],
  'a misspelt field of a file': [
    'write_files:\n  - path: /a\n    contents: x\n',
    4,
    'write_files[0].contents',
    'known are path',
  ],
  'files that are a map': ['write_files:\n  path: /a\n', 2, 'write_files', 'must be a list, and is a map'],
  'a command that is a map': ['runcmd:\n  - echo a: b\n', 3, 'runcmd[0]', 'must be'],
  'a command whose argument is a map': ['runcmd:\n  - [echo, {a: b}]\n', 3, 'runcmd[0][1]', 'and is a map'],
  'commands that are text': ['runcmd: echo\n', 2, 'runcmd', 'must be a list'],
  'a host name that is a list': ['hostname: [a]\n', 2, 'hostname', 'must be text, and is a list'],
  'a password that is a number': ['password: 123456\n', 2, 'password', 'must be text, and is 123456'],
  'a password of a user of no type that there is': [
    'chpasswd:\n  users:\n    - {name: a, password: b, type: plain}\n',
    4,
    'chpasswd.users[0].type',
    '',
  ],
  'expiry that is text': ["chpasswd:\n  expire: 'never'\n", 3, 'chpasswd.expire', 'must be true or false'],
  'a restart of no kind that there is': [
    'power_state:\n  mode: restart\n',
    3,
    'power_state.mode',
    'must be "poweroff", "reboot" or "halt", and is "restart"',
  ],
  'off, which is no text': ['power_state:\n  mode: off\n', 3, 'power_state.mode', 'and is false'],
  'a restart without its kind': ['power_state:\n  delay: now\n', 2, 'power_state', 'needs mode'],
  'time servers that are text': ['ntp:\n  servers: ntp1\n', 3, 'ntp.servers', 'must be a list'],
  'the same time server twice': ['ntp:\n  servers: [a, a]\n', 3, 'ntp.servers', 'twice'],
  'an unknown way to grow': ['growpart:\n  mode: always\n', 3, 'growpart.mode', '"always"'],
  'a locale that is a list': ['locale: [ja_JP]\n', 2, 'locale', 'must be'],
  'a mount that is text': ['mounts:\n  - /dev/sdb1 /data\n', 3, 'mounts[0]', 'must be a list'],
  'swap that is large in words': [
    'swap:\n  filename: /swap\n  sizes: 1\n',
    4,
    'swap.sizes',
    'there is no such key',
  ],
  'certificates that are text': ['ca_certs:\n  trusted: x\n', 3, 'ca_certs.trusted', 'must be a list'],
  'a source of packages without its source': [
    'apt:\n  sources:\n    a.list: deb http://a\n',
    4,
    'apt.sources.a.list',
    '',
  ],
  'keys of the host of no kind that there is': [
    'ssh_genkeytypes: [ed448]\n',
    2,
    'ssh_genkeytypes[0]',
    'must be',
  ],
  'where it phones is missing': ['phone_home:\n  tries: 3\n', 2, 'phone_home', 'needs url'],
  'name servers of no form that there is': [
    'resolv_conf:\n  nameservers: 8.8.8.8\n',
    3,
    'resolv_conf.nameservers',
    'must be a list',
  ],
  'a keyboard without a layout': ['keyboard: {model: pc105}\n', 2, 'keyboard', 'needs layout'],
  'an unknown key among certificates': [
    'ca_certs: {trust: [a]}\n',
    2,
    'ca_certs.trust',
    'there is no such key',
  ],
};

const withFirstLine = (text: string) => `#cloud-config\n${text}`;

export const goodCloudConfig = Object.entries(good).map(([name, text]) => ({
  name,
  text: withFirstLine(text),
}));

export const badCloudConfig: BadCloudConfig[] = Object.entries(bad).map(
  ([name, [text, line, path, message]]) => ({ name, text: withFirstLine(text), line, path, message }),
);
