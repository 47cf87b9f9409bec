import { LRUCache } from 'lru-cache';
import { DomainError } from '#core';
import { answerOf, documentsOf, type TreeNode } from '#metadata';
import type { Occupant } from '#store';
import type { Documents, Served } from './answers.js';

const roomBytes = 256 * 1024 * 1024;
/** Of a document without its content. */
const documentBytes = 100;

/**
 * The documents of the instances that ask, made once and kept while there is room. What is kept is found by what it was made from:
 * when that changes, it is made anew, and never given to another instance.
 */
export class DocumentShelf implements Documents {
  private readonly trees: LRUCache<string, TreeNode, string>;

  /** @param make the tree of an instance; null when it is on no machine any more */
  constructor(make: (instanceId: string) => Promise<TreeNode | null>) {
    this.trees = new LRUCache<string, TreeNode, string>({
      maxSize: roomBytes,
      sizeCalculation: sizeOf,
      fetchMethod: async (_key, _stale, { context }) => (await make(context)) ?? undefined,
    });
  }

  async find({ instanceId, revision }: Occupant, path: string): Promise<Served | undefined> {
    const tree = await this.trees.fetch(`${instanceId} ${revision}`, { context: instanceId }).catch(ifGone);
    return (tree && answerOf(tree, path)) ?? undefined;
  }
}

/** What several versions share is there once. */
function sizeOf(tree: TreeNode): number {
  const documents = documentsOf(tree);
  const contents = new Set(documents.map(([, { content }]) => content));
  const bytes = [...contents].reduce((sum, content) => sum + content.length, 0);
  return bytes + documents.length * documentBytes;
}

/** It may be destroyed between two looks. */
function ifGone(error: unknown): undefined {
  if (error instanceof DomainError && error.code === 'instance-not-found') return undefined;
  throw error;
}
