//! The lines of `cldr.txt`. Its blocks are indexed once, at the first use; a line is searched on each use.

use std::sync::LazyLock;

static CLDR: &str = include_str!("cldr.txt");

static FILE: LazyLock<File> = LazyLock::new(|| File::read(CLDR));

/// A language's lines, or a region's lines that differ from its base.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) tag: &'static str,
    base: Option<&'static str>,
    lines: &'static str,
}

impl Block {
    /// The text after a key and a tab, in this block or its base.
    pub(super) fn line(&self, key: &str) -> Option<&'static str> {
        let own = self.lines.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('\t'));
        own.or_else(|| FILE.block(self.base?)?.line(key))
    }
}

pub(super) fn find(name: &str) -> Option<Block> {
    FILE.block(name).or_else(|| FILE.block(FILE.other_name(name)?)).copied()
}

#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = Block> {
    FILE.blocks.iter().copied()
}

struct File {
    /// By tag, in the file's order.
    blocks: Vec<Block>,
    /// Aliases, each with its tag.
    names: Vec<(&'static str, &'static str)>,
}

impl File {
    fn read(text: &'static str) -> Self {
        let mut pieces = text.split("\n[");
        let head = pieces.next().unwrap_or_default();
        let names = head.lines().filter_map(|line| line.strip_prefix("=\t")?.split_once('\t')).collect();
        let block = |piece: &'static str| {
            let (header, lines) = piece.split_once("]\n")?;
            let (tag, base) = header.split_once(' ').map_or((header, None), |(tag, base)| (tag, Some(base)));
            Some(Block { tag, base, lines })
        };
        Self { blocks: pieces.filter_map(block).collect(), names }
    }

    fn block(&self, tag: &str) -> Option<&Block> {
        let at = self.blocks.binary_search_by(|block| block.tag.cmp(tag)).ok()?;
        self.blocks.get(at)
    }

    fn other_name(&self, name: &str) -> Option<&'static str> {
        self.names.iter().find(|(from, _)| *from == name).map(|(_, to)| *to)
    }
}
