package dev.outboxrelay.client.lock;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.record.Invariant;
import java.io.IOException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;

/**
 * A descriptor of a lock file, and the locks on its bytes, each of which has one holder in the
 * whole JVM however many copies of this class are in it (two web applications, a redeployment).
 *
 * <p>The kernel drops a process's record locks on a file as soon as <i>any</i> descriptor of the
 * file is closed in it. So:
 *
 * <ul>
 *   <li>Who has the lock is told by the JDK's own table of locks: one per JVM, by device and inode;
 *       a second lock on the byte is an {@link OverlappingFileLockException} whoever asks for it.
 *   <li>A descriptor is closed only while that table knows of no lock on the file, and as nobody
 *       may take one in between, all locking and closing is done under one monitor, which is the
 *       same object in all copies.
 *   <li>What nobody closes must not be closed by the garbage collector while another copy has the
 *       lock. That is why the channel is an asynchronous one: the JDK closes none of these by
 *       itself. (Nor does an interrupt.) A finalizer closes it as above. Nothing else can: a
 *       cleaner's action would keep the class loader, and with it the application that forgot to
 *       close, from being collected.
 * </ul>
 *
 * What is static here saves descriptors; no exclusion rests on it. Safe for many threads.
 */
public final class LockFile {
  /** The same object for all class loaders, as it is a literal. Never held while waiting. */
  private static final String DESCRIPTORS = "dev.outboxrelay.client: descriptors of lock files";

  private static final Map<Object, LockFile> SHARED = new HashMap<>();

  private static final int MOST_SEARCHES = 3;

  private static final Set<OpenOption> EXISTING =
      Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
  private static final Set<OpenOption> NEW =
      Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);

  private final AsynchronousFileChannel channel;
  private final ThreadsLock threads = new ThreadsLock();
  private final SyncLock syncLock = new SyncLock(this);
  private Object key; // written before it is shared
  private int users; // guarded by SHARED
  private FileLock heldByWriter; // guarded by threads
  private LockWitness witness; // guarded by the lock itself
  private int searches; // for the witness

  private LockFile(AsynchronousFileChannel channel) {
    this.channel = channel;
  }

  /**
   * The descriptor of the file that the path leads to, which is created if it does not exist;
   * {@link #giveUp} must follow.
   */
  public static LockFile share(Path file) throws IOException {
    while (true) {
      // Not under the monitor: whose disk hangs must hold up nobody whose lock is on another.
      Object before = SafeFiles.keyOf(file);
      LockFile known = use(before);
      if (known != null) {
        return known;
      }
      LockFile opened = openOrCreate(file);
      Object key = SafeFiles.keyOf(file);
      LockFile shared =
          key != null && (before == null || before.equals(key)) ? opened.shareAs(key) : null;
      if (shared == opened) {
        return opened;
      }
      opened.closeUnlessHeld(); // if it fails: the finalizer
      if (shared != null) {
        return shared;
      }
      // The file was replaced meanwhile.
    }
  }

  /** One more use of what is open already; null if that is nothing. */
  private static LockFile use(Object key) throws IOException {
    synchronized (SHARED) {
      closeUnused();
      LockFile known = SHARED.get(key);
      if (known == null || !known.channel.isOpen()) {
        return null;
      }
      known.users++;
      return known;
    }
  }

  /** The first use of it, unless another thread was quicker. */
  private LockFile shareAs(Object sharedKey) throws IOException {
    synchronized (SHARED) {
      LockFile quicker = use(sharedKey);
      if (quicker != null) {
        return quicker;
      }
      key = sharedKey;
      users = 1;
      SHARED.put(sharedKey, this);
      return this;
    }
  }

  /** Ends one use. The last one closes the file, unless another copy has the lock just now. */
  public void giveUp() throws IOException {
    synchronized (SHARED) {
      users--;
      closeUnused();
    }
  }

  /** Closes the file if its last user gave it up meanwhile. */
  void closeIfUnused() throws IOException {
    synchronized (SHARED) {
      if (users == 0) {
        closeUnused();
      }
    }
  }

  private static void closeUnused() throws IOException {
    Iterator<LockFile> all = SHARED.values().iterator();
    while (all.hasNext()) {
      LockFile each = all.next();
      if (each.users == 0 && each.closeUnlessHeld()) {
        all.remove();
      }
    }
  }

  /** Tries for the lock; null if somebody else has it, in this JVM or another process. */
  public FileLock tryLock(Disk disk) throws IOException {
    synchronized (DESCRIPTORS) {
      return disk.tryLock(channel, 0, 1, DiskStep.LOCK);
    }
  }

  /** The same for byte 1; {@link SyncLock} does. */
  FileLock tryLockForSync(Disk disk) throws IOException {
    synchronized (DESCRIPTORS) {
      return disk.tryLock(channel, 1, 1, DiskStep.SYNC_LOCK);
    }
  }

  /** Gives back what {@link #tryLock} gave. */
  public void release(FileLock lock) throws IOException {
    try {
      lock.release();
    } catch (IOException e) {
      // The JDK still takes it for held. It is, if at all, by this channel, so nobody else is hurt.
      synchronized (DESCRIPTORS) {
        channel.close();
      }
      throw e;
    }
  }

  /** Whether the path leads to this file. */
  public boolean isAt(Path file) throws IOException {
    return key.equals(SafeFiles.keyOf(file));
  }

  /**
   * Asked by who has the lock: whether the kernel still knows of it. Not if something else in this
   * JVM has opened and closed the file, which nothing can prevent. What can't be told is taken for
   * yes. A yes holds for all the time since the lock was taken, as nobody can take it meanwhile.
   *
   * @param file where this file is
   */
  public boolean isStillHeld(Path file) {
    if (witness == null && searches < MOST_SEARCHES) {
      searches++;
      witness = LockWitness.find(file);
    }
    try {
      if (witness == null || witness.seesLock()) {
        return true;
      }
      // Unless it is shown at another copy's descriptor, which had the sync lock then.
      LockWitness another = LockWitness.find(file);
      if (another == null) {
        return false;
      }
      witness.close();
      witness = another;
      return true;
    } catch (IOException e) {
      return true;
    }
  }

  boolean isOpen() {
    return channel.isOpen();
  }

  SyncLock syncLock() {
    return syncLock;
  }

  ThreadsLock threads() {
    return threads;
  }

  FileLock heldByWriter() {
    return heldByWriter;
  }

  void heldByWriter(FileLock lock) {
    if (lock != null && heldByWriter != null) {
      throw Invariant.broken(12, "a second holder of the lock that " + heldByWriter + " is");
    }
    heldByWriter = lock;
  }

  private boolean closeUnlessHeld() throws IOException {
    synchronized (DESCRIPTORS) {
      try {
        channel.tryLock(0, Long.MAX_VALUE, false);
        // Or null: another process has it, so nobody here.
      } catch (OverlappingFileLockException e) {
        return false;
      } catch (IOException e) {
        // The kernel refuses, or it is closed; the JDK's table was asked before.
      }
      channel.close();
      if (witness != null) {
        witness.close();
      }
      return true;
    }
  }

  private static LockFile openOrCreate(Path file) throws IOException {
    while (true) {
      try {
        SafeFiles.checkFile(file, SafeFiles.directoryGroup(file));
        LockFile existing = open(file, EXISTING);
        SafeFiles.mendMode(file, existing.channel::tryLock);
        return existing;
      } catch (NoSuchFileException e) {
        try {
          return create(file);
        } catch (FileAlreadyExistsException raced) {
          // somebody else was first: open theirs
        } catch (NoSuchFileException removed) {
          if (!Files.isDirectory(file.getParent())) {
            throw removed;
          }
          // somebody removed it at once: create another
        }
      }
    }
  }

  private static LockFile create(Path file) throws IOException {
    LockFile created = open(file, NEW, SafeFiles.permissions());
    try {
      SafeFiles.own(file, created.channel::tryLock);
      return created;
    } catch (IOException | RuntimeException e) {
      SafeFiles.unmake(file, e);
      created.closeUnlessHeld(); // another copy may have been quick
      throw e;
    }
  }

  private static LockFile open(Path file, Set<OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return new LockFile(AsynchronousFileChannel.open(file, options, null, attributes));
  }

  /** For a class loader that is gone; see above. Its own locks have left the JDK's table. */
  @Override
  @SuppressWarnings({"deprecation", "removal", "Finalize"})
  protected void finalize() throws IOException {
    if (channel.isOpen() && !closeUnlessHeld()) {
      new LockFile(channel); // tries again when the next collection finds it
    }
  }
}
