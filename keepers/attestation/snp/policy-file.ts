import { readJson } from '../collateral/files';
import { snpPolicySchema, type SnpPolicy } from './policy';

export function readSnpPolicyFile(file: string): SnpPolicy {
    return readJson(file, snpPolicySchema, 'policy');
}
