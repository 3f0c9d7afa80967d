//! The disk: a tree of directories and files, of which only a part is durable.
//!
//! It knows no faults: each operation is carried out as on a sound disk, and
//! [`Disk::after`] says what a restart leaves. Paths are relative to the root, which is `""`.

mod directory;
mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bytes::Bytes;

use self::directory::{Change, Directory};
use self::file::File;
use crate::local::is_staging;
use crate::survivors::{Lottery, SECTOR_BYTES, Survivors};

/// The number of a file or directory, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Inode(u64);

const ROOT: Inode = Inode(0);

/// How safe a piece of data or a directory change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It outlives every crash.
    Synced,
    /// The next sync makes it durable.
    Dirty,
    /// A sync failed: it looks clean, and no later sync makes it durable.
    GivenUp,
}

/// What can be learned of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) inode: u64,
    /// Counts the writes of this disk; stands for the time of the last one to this file.
    pub(crate) modified: u64,
    pub(crate) size_bytes: u64,
}

#[derive(Clone, Debug)]
enum Node {
    Directory(Directory),
    File(File),
}

/// The disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    nodes: BTreeMap<Inode, Node>,
    inodes: u64,
    writes: u64,
    /// The bytes that files may take together.
    pub(crate) space_bytes_max: Option<u64>,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            nodes: BTreeMap::from([(ROOT, Node::Directory(Directory::default()))]),
            inodes: 1,
            writes: 0,
            space_bytes_max: None,
        }
    }
}

/// What processes do.
impl Disk {
    /// Creates an empty file under a name that must be free.
    pub(crate) fn create(&mut self, path: &str) -> io::Result<()> {
        self.require_free(path)?;
        let file = File { content: Bytes::new(), modified: self.writes, durability: Durability::Synced };
        let inode = self.add(Node::File(file));
        self.link_inode(path, inode, Durability::Dirty)
    }

    /// Writes the contents of an empty file. If space runs out, the sectors that fit are written.
    pub(crate) fn write(&mut self, path: &str, content: &Bytes) -> io::Result<()> {
        let room = self.room_bytes();
        self.writes += 1;
        let modified = self.writes;
        let fits = content.len() <= room;
        let stored = if fits { content.clone() } else { content.slice(..room - room % SECTOR_BYTES) };
        let file = self.file_mut(path)?;
        file.content = stored;
        file.modified = modified;
        file.durability = Durability::Dirty;
        if fits { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    /// Makes the contents of a file durable, unless an earlier sync gave them up.
    pub(crate) fn sync_file(&mut self, path: &str) -> io::Result<()> {
        let file = self.file_mut(path)?;
        if file.durability == Durability::Dirty {
            file.durability = Durability::Synced;
        }
        Ok(())
    }

    /// Makes the changes of a directory durable, unless an earlier sync gave them up.
    pub(crate) fn sync_directory(&mut self, path: &str) -> io::Result<()> {
        self.directory_mut(path)?.sync();
        Ok(())
    }

    /// Does what a failing sync does to the file or directory.
    pub(crate) fn fail_sync(&mut self, path: &str) -> io::Result<()> {
        match self.node_mut(path)? {
            Node::Directory(directory) => directory.give_up(),
            Node::File(file) => {
                if file.durability == Durability::Dirty {
                    file.durability = Durability::GivenUp;
                }
            }
        }
        Ok(())
    }

    /// Gives a file a second name, which must be free.
    pub(crate) fn link(&mut self, from: &str, to: &str) -> io::Result<()> {
        let inode = self.find(from)?;
        self.require_free(to)?;
        self.link_inode(to, inode, Durability::Dirty)
    }

    /// Moves a file to another name in its directory, in place of the file that has it.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let inode = self.find(from)?;
        if self.find(to).is_ok() {
            self.file_mut(to)?;
        }
        let (directory, from) = split(from);
        let (_, to) = split(to);
        let change = Change::Rename { from: from.to_owned(), to: to.to_owned(), inode };
        self.directory_mut(directory)?.change(change, Durability::Dirty);
        Ok(())
    }

    /// Removes a name of a file.
    pub(crate) fn unlink(&mut self, path: &str) -> io::Result<()> {
        self.remove(path, Durability::Dirty)
    }

    /// Makes an empty directory in one that exists.
    pub(crate) fn make_directory(&mut self, path: &str) -> io::Result<()> {
        self.require_free(path)?;
        let inode = self.add(Node::Directory(Directory::default()));
        self.link_inode(path, inode, Durability::Dirty)
    }

    /// Tells whether a file or directory has this name.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.find(path).is_ok()
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> io::Result<(Stat, Bytes)> {
        let inode = self.find(path)?;
        let file = self.file(inode)?;
        Ok((stat(inode, file), file.content.clone()))
    }

    /// Reads what is known of a file.
    pub(crate) fn stat(&self, path: &str) -> io::Result<Stat> {
        let inode = self.find(path)?;
        Ok(stat(inode, self.file(inode)?))
    }

    /// Returns the directories and files directly below a directory, each sorted by name, without
    /// staging files. A directory that does not exist has none.
    pub(crate) fn children(&self, path: &str) -> (Vec<String>, Vec<(String, Stat)>) {
        let mut directories = Vec::new();
        let mut files = Vec::new();
        let Ok(directory) = self.directory(path) else {
            return (directories, files);
        };
        for (name, inode) in directory.entries() {
            let path = join(path, name);
            match self.nodes.get(inode) {
                Some(Node::Directory(_)) => directories.push(path),
                Some(Node::File(file)) if !is_staging(name) => {
                    files.push((path, stat(*inode, file)));
                }
                Some(Node::File(_)) | None => {}
            }
        }
        (directories, files)
    }

    /// Returns all files below a directory, sorted by path, without staging files.
    pub(crate) fn list(&self, path: &str) -> Vec<(String, Stat)> {
        let mut pending = vec![path.to_owned()];
        let mut found = Vec::new();
        while let Some(path) = pending.pop() {
            let (directories, files) = self.children(&path);
            pending.extend(directories);
            found.extend(files);
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        found
    }

    /// Returns the bytes of all files, staging files included.
    pub(crate) fn used_bytes(&self) -> u64 {
        let files = self.reachable().into_iter();
        files.filter_map(|inode| self.file(inode).ok()).map(|file| file.content.len() as u64).sum()
    }
}

/// What crashes and damage do.
impl Disk {
    /// Returns the disk as a restart finds it, and the number of unsynced things whose fate was
    /// drawn.
    pub(crate) fn after(&self, survivors: Survivors) -> (Self, u32) {
        let mut disk = self.clone();
        if survivors == Survivors::Cached {
            return (disk, 0);
        }
        let readable = self.readable();
        let mut lottery = Lottery::new(survivors);
        let keep = lottery.keeps_hidden();
        for (inode, node) in &mut disk.nodes {
            match node {
                Node::Directory(directory) => directory.survive(&mut lottery),
                Node::File(file) if readable.contains(inode) => file.survive(&mut lottery),
                Node::File(file) => file.survive_hidden(keep),
            }
        }
        let reachable = disk.reachable();
        disk.nodes.retain(|inode, _| reachable.contains(inode));
        (disk, lottery.drawn())
    }

    /// Puts a durable file under a name, in place of what has it, making directories as needed.
    pub(crate) fn place(&mut self, path: &str, content: Bytes) -> io::Result<()> {
        for (slash, _) in path.match_indices('/') {
            let directory = &path[..slash];
            if !self.exists(directory) {
                let inode = self.add(Node::Directory(Directory::default()));
                self.link_inode(directory, inode, Durability::Synced)?;
            }
        }
        self.writes += 1;
        let file = File { content, modified: self.writes, durability: Durability::Synced };
        let inode = if self.exists(path) {
            // In place, so that flipping every bit of a store does not fill the memory.
            *self.file_mut(path)? = file;
            self.find(path)?
        } else {
            self.add(Node::File(file))
        };
        self.link_inode(path, inode, Durability::Synced)
    }

    /// Removes a name of a file for good.
    pub(crate) fn erase(&mut self, path: &str) -> io::Result<()> {
        self.remove(path, Durability::Synced)
    }
}

impl Disk {
    fn add(&mut self, node: Node) -> Inode {
        let inode = Inode(self.inodes);
        self.inodes += 1;
        self.nodes.insert(inode, node);
        inode
    }

    fn link_inode(&mut self, path: &str, inode: Inode, durability: Durability) -> io::Result<()> {
        let (directory, name) = split(path);
        let name = name.to_owned();
        self.directory_mut(directory)?.change(Change::Link { name, inode }, durability);
        Ok(())
    }

    fn remove(&mut self, path: &str, durability: Durability) -> io::Result<()> {
        self.file_mut(path)?;
        let (directory, name) = split(path);
        let name = name.to_owned();
        self.directory_mut(directory)?.change(Change::Unlink { name }, durability);
        Ok(())
    }

    fn require_free(&self, path: &str) -> io::Result<()> {
        let (directory, name) = split(path);
        if self.directory(directory)?.entries().contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(())
    }

    fn room_bytes(&self) -> usize {
        self.space_bytes_max.map_or(usize::MAX, |max| {
            let room = max.saturating_sub(self.used_bytes());
            usize::try_from(room).unwrap_or(usize::MAX)
        })
    }

    fn find(&self, path: &str) -> io::Result<Inode> {
        let mut inode = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Some(Node::Directory(directory)) = self.nodes.get(&inode) else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            inode = *directory.entries().get(name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(inode)
    }

    fn node_mut(&mut self, path: &str) -> io::Result<&mut Node> {
        let inode = self.find(path)?;
        Ok(self.nodes.get_mut(&inode).ok_or(io::ErrorKind::NotFound)?)
    }

    fn directory(&self, path: &str) -> io::Result<&Directory> {
        match self.nodes.get(&self.find(path)?) {
            Some(Node::Directory(directory)) => Ok(directory),
            Some(Node::File(_)) | None => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn directory_mut(&mut self, path: &str) -> io::Result<&mut Directory> {
        match self.node_mut(path)? {
            Node::Directory(directory) => Ok(directory),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn file(&self, inode: Inode) -> io::Result<&File> {
        match self.nodes.get(&inode) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Directory(_)) | None => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn file_mut(&mut self, path: &str) -> io::Result<&mut File> {
        match self.node_mut(path)? {
            Node::File(file) => Ok(file),
            Node::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    /// Returns what can be reached from the root, each node once.
    fn reachable(&self) -> BTreeSet<Inode> {
        let mut reached = BTreeSet::from([ROOT]);
        let mut pending = vec![ROOT];
        while let Some(inode) = pending.pop() {
            let Some(Node::Directory(directory)) = self.nodes.get(&inode) else {
                continue;
            };
            for child in directory.entries().values() {
                if reached.insert(*child) {
                    pending.push(*child);
                }
            }
        }
        reached
    }

    /// Returns the nodes that some crash may leave under a name that is not a staging file's.
    fn readable(&self) -> BTreeSet<Inode> {
        let mut readable = BTreeSet::new();
        for node in self.nodes.values() {
            if let Node::Directory(directory) = node {
                let names = directory.names().filter(|(name, _)| !is_staging(name));
                readable.extend(names.map(|(_, inode)| inode));
            }
        }
        readable
    }
}

/// Splits a path into its directory and its last name.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

fn stat(inode: Inode, file: &File) -> Stat {
    Stat { inode: inode.0, modified: file.modified, size_bytes: file.content.len() as u64 }
}
