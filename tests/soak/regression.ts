import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Operation } from './operation';

/** A run that once broke a rule; it must hold for ever. */
export interface Regression {
    rule: string;
    detail: string;
    operations: Operation[];
}

export const regressionsFolder = path.join(__dirname, 'regressions');

export function readRegression(file: string): Regression {
    return JSON.parse(readFileSync(file, 'utf8')) as Regression;
}

export function regressionFiles(): string[] {
    return readdirSync(regressionsFolder)
        .filter((name) => name.endsWith('.json'))
        .map((name) => path.join(regressionsFolder, name));
}

/** Named for its rule and its seed. @returns the file */
export function saveRegression(regression: Regression, seed: number): string {
    const file = path.join(regressionsFolder, `${regression.rule.replace(/[^a-z0-9]+/gi, '-')}-${seed}.json`);
    writeFileSync(file, `${JSON.stringify(regression, null, 4)}\n`);
    return file;
}
