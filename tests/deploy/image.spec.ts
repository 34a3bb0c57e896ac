import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadConfig } from '../../keepers/config';

const packer = path.resolve(__dirname, '../../deploy/image/pack-initrd.mjs');

/** The same tree, its files made in this order and dated so. */
function treeOf(names: readonly string[], date: Date): string {
    const root = mkdtempSync(path.join(tmpdir(), 'cocoon-image-'));
    mkdirSync(path.join(root, 'opt/deep'), { recursive: true });
    for (const name of names) {
        writeFileSync(path.join(root, name), `content of ${name}`, { mode: name === 'init' ? 0o755 : 0o644 });
        utimesSync(path.join(root, name), date, date);
    }
    symlinkSync('opt/deep', path.join(root, 'link'));
    return root;
}

function pack(root: string): Buffer {
    const output = path.join(mkdtempSync(path.join(tmpdir(), 'cocoon-initrd-')), 'initrd');
    execFileSync(process.execPath, [packer, root, output]);
    return readFileSync(output);
}

interface Entry {
    name: string;
    mode: number;
    owner: number[];
    mtime: number;
    content: string;
}

/** As the kernel reads it (Documentation/driver-api/early-userspace/buffer-format). */
function unpack(initrd: Buffer): Entry[] {
    const archive = gunzipSync(initrd);
    const entries: Entry[] = [];
    for (let at = 0; ;) {
        expect(archive.toString('latin1', at, at + 6)).toBe('070701');
        const field = (index: number) =>
            parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
        const [size, nameLength] = [field(6), field(11)];
        const name = archive.toString('utf8', at + 110, at + 110 + nameLength - 1);
        if (name === 'TRAILER!!!') return entries;
        const start = Math.ceil((at + 110 + nameLength) / 4) * 4;
        const content = archive.toString('utf8', start, start + size);
        entries.push({ name, mode: field(1), owner: [field(2), field(3)], mtime: field(5), content });
        at = Math.ceil((start + size) / 4) * 4;
    }
}

const names = ['init', 'opt/b', 'opt/a', 'opt/deep/c'];

test('the same tree gives the same initrd, whenever and in whatever order it was made', () => {
    const first = pack(treeOf(names, new Date(1_000_000_000_000)));
    const second = pack(treeOf([...names].reverse(), new Date(2_000_000_000_000)));
    expect(second.equals(first)).toBe(true);
});

test('another content, mode or name gives another', () => {
    const root = treeOf(names, new Date(0));
    const before = pack(root);
    writeFileSync(path.join(root, 'opt/a'), 'another');
    expect(pack(root).equals(before)).toBe(false);
});

test('what is packed is what the kernel unpacks: folders first, owned by root, dated zero', () => {
    const entries = unpack(pack(treeOf(names, new Date())));
    expect(entries.map(({ name }) => name)).toEqual([
        'init',
        'link',
        'opt',
        'opt/a',
        'opt/b',
        'opt/deep',
        'opt/deep/c',
    ]);
    expect(entries[0]).toEqual({ name: 'init', mode: 0o100755, owner: [0, 0], mtime: 0, content: 'content of init' });
    expect(entries[1]).toMatchObject({ mode: 0o120777, content: 'opt/deep' });
    expect(entries.every(({ owner, mtime }) => owner.every((id) => id === 0) && mtime === 0)).toBe(true);
});

const image = path.resolve(__dirname, '../../deploy/image');

test('the guest’s first process forbids dumps and runs the node by its measured settings', () => {
    const init = readFileSync(path.join(image, 'init'), 'utf8');
    expect(init).toMatch(/^ulimit -c 0$/m);
    expect(init).toMatch(/echo core >\/proc\/sys\/kernel\/core_pattern/);
    expect(init.trimEnd().split('\n').at(-1)).toMatch(/cocoon\.cjs node --config \/etc\/cocoon\/node\.json$/);
});

test('the host decides about its provider, hub and prices, and about nothing that decides confidentiality', () => {
    const hub = `0:${'77'.repeat(32)}`;
    const lines = [
        `COCOON__HUB=${hub}`,
        'COCOON__PRICES__OUTPUT_NANO="9"',
        'COCOON__ENGINE={"kind":"openai","url":"http://host.example","modelRoot":"00"}',
        'COCOON__ENGINE__KIND=openai',
        'COCOON__TEE__KIND=simulated',
        'COCOON__DEPLOYMENT_FILE=/run/host/deployment.json',
        'COCOON__CHAIN__ENDPOINTS=["http://host.example"]',
        'COCOON__PRICES={}',
        'NODE_OPTIONS=--require=/run/host/evil.js',
        'PATH=/run/host',
        'COCOON__HUB$(touch /tmp/never)=1',
    ];
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'cocoon-host-')), 'node.env');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const script = `. ${image}/host-settings.sh; take_host_settings ${file}; env`;
    const printed = execFileSync('sh', ['-euc', script], { env: { PATH: process.env['PATH'] }, encoding: 'utf8' });
    const taken = printed.split('\n').filter((line) => /COCOON|NODE_OPTIONS|host/.test(line));
    expect(taken.sort()).toEqual([`COCOON__HUB=${hub}`, 'COCOON__PRICES__OUTPUT_NANO="9"']);
    const env = Object.fromEntries(taken.map((line) => line.split('=') as [string, string]));
    const config = loadConfig('node', { file: path.join(image, 'node.json'), env });
    expect(config.hub.toRawString()).toBe(hub);
    expect(config.engine.kind).toBe('llama-cpp');
    expect(config.tee.kind).toBe('configfs-tsm');
});
