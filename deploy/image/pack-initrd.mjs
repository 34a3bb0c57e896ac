#!/usr/bin/env node
/**
 * Packs a folder into an initrd (cpio, "newc", gzip) that depends on nothing but names, contents, modes and links: sorted,
 * dated zero, owned by root. The same tree gives the same bytes on every machine, and so the same RTMR2.
 *
 *     node deploy/image/pack-initrd.mjs <folder> <initrd>
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
const hex = (value) => value.toString(16).padStart(8, '0').toUpperCase();

function record({ name, inode, mode, content, links }) {
    const nameBytes = Buffer.from(`${name}\0`, 'utf8');
    // inode, mode, uid, gid, links, mtime, size, device (2), device of a node (2), length of the name, checksum
    const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, nameBytes.length, 0];
    const head = Buffer.from(`070701${fields.map(hex).join('')}`, 'latin1');
    return Buffer.concat([padded(Buffer.concat([head, nameBytes])), padded(content)]);
}

/** Names in byte order, a folder before what is in it. */
function namesUnder(root, folder = '') {
    const names = readdirSync(path.join(root, folder)).map((name) => path.posix.join(folder, name));
    const inOrder = names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return inOrder.flatMap((name) =>
        lstatSync(path.join(root, name)).isDirectory() ? [name, ...namesUnder(root, name)] : [name],
    );
}

function entryOf(root, name, index) {
    const file = path.join(root, name);
    const stat = lstatSync(file);
    if (!stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink())
        throw new Error(`${name}: only files, folders and symbolic links go into an image; devices are the kernel's`);
    const content = stat.isFile()
        ? readFileSync(file)
        : stat.isSymbolicLink()
          ? Buffer.from(readlinkSync(file), 'utf8')
          : Buffer.alloc(0);
    // Modes of symbolic links differ between systems and mean nothing.
    const mode = stat.isSymbolicLink() ? 0o120777 : stat.mode;
    return { name, inode: index + 1, mode, content, links: stat.isDirectory() ? 2 : 1 };
}

const [root, output] = process.argv.slice(2);
if (root === undefined || output === undefined) {
    process.stderr.write('usage: pack-initrd.mjs <folder> <initrd>\n');
    process.exit(2);
}
const entries = namesUnder(root).map((name, index) => record(entryOf(root, name, index)));
const trailer = record({ name: 'TRAILER!!!', inode: 0, mode: 0, content: Buffer.alloc(0), links: 1 });
const packed = gzipSync(Buffer.concat([...entries, trailer]), { level: 9 });
// The header names the system that packed it: 255 is "unknown" (RFC 1952).
packed[9] = 255;
writeFileSync(output, packed);
process.stdout.write(`${entries.length} entries, ${packed.length} bytes\n`);
