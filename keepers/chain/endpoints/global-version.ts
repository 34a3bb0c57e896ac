import { Cell, Dictionary } from '@ton/core';
import type { GlobalVersion } from './endpoint-api';

const globalVersionParam = 8;
const tag = 0xc4;

/** capabilities#c4 version:uint32 capabilities:uint64 = GlobalVersion. @throws where it is written otherwise */
export function readGlobalVersion(cell: Cell): GlobalVersion {
    const slice = cell.beginParse();
    if (slice.loadUint(8) !== tag) throw new Error('unknown constructor of GlobalVersion');
    return { version: slice.loadUint(32), capabilities: slice.loadUintBig(64) };
}

/** Out of a whole configuration, whose root is its dictionary. */
export function globalVersionOf(config: Cell): GlobalVersion {
    const params = Dictionary.loadDirect(Dictionary.Keys.Int(32), Dictionary.Values.Cell(), config);
    const param = params.get(globalVersionParam);
    if (param === undefined) throw new Error('the configuration has no parameter 8');
    return readGlobalVersion(param);
}
