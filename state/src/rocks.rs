//! A store in RocksDB: one database per task, one memory budget for the whole process.
//!
//! There is no write-ahead log: the changelog is one. A process that dies leaves whole batches up to some point, from
//! where the changelog's tail is replayed. Written a second time to disk, every change would cost about as much again as
//! all else that RocksDB does with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, DB, DBCompressionType, FlushOptions, IngestExternalFileOptions, Options, ReadOptions,
    SstFileWriter, WriteBatch, WriteBufferManager, WriteOptions,
};

use crate::{Batch, Pair, Store, StoreError, Stores};

/// What all stores of the process share.
#[derive(Clone)]
pub struct RocksStores {
    directory: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    cache: Cache,
    write_buffers: WriteBufferManager,
}

/// A file of the first level that is sorted as a whole; one of each further level may have twice as much. A merge writes
/// whole files anew, and most new keys (orders by number, timers by time) come after all others: small files, and those
/// before are left alone.
const FILE_BYTES: u64 = 8 << 20;

/// One write buffer; a task flushes at the latest when it has this much, and has no more than that to replay.
const WRITE_BUFFER_BYTES: usize = 4 << 20;

/// Write buffers grow by so much. RocksDB's eighth of the whole would be half empty on average, in every store.
const ARENA_BLOCK_BYTES: usize = 64 << 10;

/// A piece of a file's filter or index.
const METADATA_BLOCK_BYTES: usize = 4 << 10;

/// So many flushed files are merged with the level below at once. Write buffers are small: with RocksDB's 4, most of its
/// work is to write that level again and again. Filters make a look-up in so many files cheap.
const FILES_TO_MERGE: i32 = 12;

impl RocksStores {
    /// `memory`: bytes for block cache and write buffers of all stores together.
    pub fn new(directory: &Path, memory: usize) -> Result<RocksStores, StoreError> {
        std::fs::create_dir_all(directory).map_err(|e| fault(directory, "create the directory", &e))?;
        // Apart from each other: charged to one cache, a burst of writes would push the filters out, and then every
        // look-up of a key that is not there reads a block. Buffers want more: what is flushed in small files is merged
        // more often.
        let cache = Cache::new_lru_cache(memory / 3);
        let write_buffers = WriteBufferManager::new_write_buffer_manager(memory - memory / 3, false);
        Ok(RocksStores { directory: directory.to_owned(), shared: Arc::new(Shared { cache, write_buffers }) })
    }

    fn options(&self) -> Options {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&self.shared.cache);
        table.set_block_size(8 << 10);
        table.set_bloom_filter(10.0, false);
        table.set_cache_index_and_filter_blocks(true);
        // In pieces: a file's whole filter is a hundred kilobytes and more. Once all of them do not fit into the cache any
        // more (measured: from a million orders on), every look-up of a new key would read one again.
        table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
        table.set_partition_filters(true);
        table.set_metadata_block_size(METADATA_BLOCK_BYTES);
        table.set_pin_top_level_index_and_filter(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        table.set_format_version(6);
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_block_based_table_factory(&table);
        options.set_write_buffer_manager(&self.shared.write_buffers);
        options.set_write_buffer_size(WRITE_BUFFER_BYTES);
        options.set_arena_block_size(ARENA_BLOCK_BYTES);
        options.set_target_file_size_base(FILE_BYTES);
        options.set_target_file_size_multiplier(2);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_max_background_jobs(2);
        options.set_max_open_files(256);
        options.set_level_zero_file_num_compaction_trigger(FILES_TO_MERGE);
        options.set_level_zero_slowdown_writes_trigger(2 * FILES_TO_MERGE);
        options.set_level_zero_stop_writes_trigger(3 * FILES_TO_MERGE);
        // One thread writes a store.
        options.set_allow_concurrent_memtable_write(false);
        options.set_keep_log_file_num(2);
        options.set_max_log_file_size(1 << 20);
        options.set_stats_dump_period_sec(0);
        options
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Stores for RocksStores {
    type Store = RocksStore;

    fn open(&self, name: &str) -> Result<RocksStore, StoreError> {
        let path = self.path(name);
        let options = self.options();
        let db = DB::open(&options, &path).map_err(|e| fault(&path, "open", &e))?;
        let mut write = WriteOptions::default();
        write.disable_wal(true);
        Ok(RocksStore { db, options, write, path })
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name);
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(|e| fault(&path, "delete", &e))?;
        }
        Ok(())
    }
}

/// One task's database.
pub struct RocksStore {
    db: DB,
    options: Options,
    write: WriteOptions,
    path: PathBuf,
}

impl RocksStore {
    fn fault(&self, doing: &'static str, error: &dyn std::fmt::Display) -> StoreError {
        fault(&self.path, doing, error)
    }
}

impl Store for RocksStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get(key).map_err(|e| self.fault("read", &e))
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        let mut read = ReadOptions::default();
        read.set_iterate_lower_bound(from);
        read.set_iterate_upper_bound(to);
        let mut cursor = self.db.raw_iterator_opt(read);
        cursor.seek(from);
        let mut found = vec![];
        while found.len() < limit {
            let (Some(key), Some(value)) = (cursor.key(), cursor.value()) else { break };
            found.push((key.into(), value.into()));
            cursor.next();
        }
        cursor.status().map_err(|e| self.fault("scan", &e))?;
        Ok(found)
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut write = WriteBatch::default();
        for (key, value) in batch.iter() {
            match value {
                Some(value) => write.put(key, value),
                None => write.delete(key),
            }
        }
        self.db.write_opt(write, &self.write).map_err(|e| self.fault("write", &e))
    }

    fn fill(&mut self, sorted: &Batch) -> Result<(), StoreError> {
        if sorted.is_empty() {
            return Ok(());
        }
        // Ingested next to the database's own files, so that the file is moved and not copied.
        let file = self.path.join("fill.sst");
        let mut writer = SstFileWriter::create(&self.options);
        writer.open(&file).map_err(|e| self.fault("fill", &e))?;
        for (key, value) in sorted.iter() {
            match value {
                Some(value) => writer.put(key, value),
                None => writer.delete(key),
            }
            .map_err(|e| self.fault("fill", &e))?;
        }
        writer.finish().map_err(|e| self.fault("fill", &e))?;
        let mut ingest = IngestExternalFileOptions::default();
        ingest.set_move_files(true);
        self.db.ingest_external_file_opts(&ingest, vec![&file]).map_err(|e| self.fault("fill", &e))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.db.flush().map_err(|e| self.fault("flush", &e))
    }

    fn flush_soon(&mut self) -> Result<(), StoreError> {
        let mut flush = FlushOptions::default();
        flush.set_wait(false);
        self.db.flush_opt(&flush).map_err(|e| self.fault("flush", &e))
    }

    fn size(&self) -> u64 {
        // A property that a running database always has.
        let of = |name: &str| self.db.property_int_value(name).ok().flatten().unwrap_or(0);
        of("rocksdb.live-sst-files-size") + of("rocksdb.cur-size-all-mem-tables")
    }
}

fn fault(path: &Path, doing: &'static str, error: &dyn std::fmt::Display) -> StoreError {
    StoreError { path: path.to_owned(), doing, message: error.to_string() }
}
