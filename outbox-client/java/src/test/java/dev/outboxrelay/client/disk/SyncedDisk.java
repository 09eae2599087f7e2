package dev.outboxrelay.client.disk;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The real disk, with a say in what becomes of its syncs and of the sync lock. For many threads.
 */
public final class SyncedDisk {
  private final AtomicInteger syncs = new AtomicInteger();
  private final AtomicInteger published = new AtomicInteger();
  private volatile OnSync onSync = number -> {};
  private final AtomicInteger lockTries = new AtomicInteger();
  private volatile boolean locked;
  private volatile boolean ranges = true;

  /** What happens before a cycle file is synced. */
  @FunctionalInterface
  public interface OnSync {
    /**
     * An exception takes the place of the sync.
     *
     * @param number of this sync, from 1
     */
    void before(int number) throws IOException;
  }

  public void onSync(OnSync what) {
    onSync = what;
  }

  /** From now on somebody else seems to have the sync lock. */
  public void lockIsHeldElsewhere(boolean held) {
    locked = held;
  }

  /** From now on a store of the synced range is a fault of the mapping. */
  public void rangeCannotBeStored() {
    ranges = false;
  }

  /** How often cycle files were to be synced. */
  public int syncs() {
    return syncs.get();
  }

  /** How often the sync lock was tried for in vain. */
  public int lockTries() {
    return lockTries.get();
  }

  /** How many appends were published. */
  public int published() {
    return published.get();
  }

  /** Waits until so many appends are published. */
  public void awaitPublished(int count) {
    while (published.get() < count) {
      Thread.onSpinWait();
    }
  }

  public Disk disk() {
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              DiskStep step = (DiskStep) arguments[arguments.length - 1];
              if (method.getName().equals("sync") && step == DiskStep.PAYLOAD) {
                onSync.before(syncs.incrementAndGet());
              }
              if (step.name().equals("SYNC_LOCK") && locked) {
                lockTries.incrementAndGet();
                return null;
              }
              if (step.name().equals("SYNCED") && !ranges) {
                throw new InternalError("a fault occurred in an unsafe memory access operation");
              }
              try {
                return method.invoke(Disk.REAL, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              } finally {
                if (step == DiskStep.PUBLISH) {
                  published.incrementAndGet();
                }
              }
            });
  }
}
