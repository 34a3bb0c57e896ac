/** Number of a get method: CRC-16 (XMODEM) of its name, with bit 16 set. */
export function methodIdOf(method: string | number): number {
    if (typeof method === 'number') return method;
    if (/^\d+$/.test(method)) return Number(method);
    return crc16(Buffer.from(method)) | 0x10000;
}

function crc16(data: Buffer): number {
    let crc = 0;
    for (const byte of data) {
        crc ^= byte << 8;
        for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
    }
    return crc;
}
