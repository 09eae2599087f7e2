package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

/** The real disk, until the process is killed at one of its changes, or that one fails. */
public final class KillingDisk {
  /** What a kill looks like from within. */
  public static final class Killed extends Error {
    private static final long serialVersionUID = 1L;
  }

  private final int at;
  private final boolean before;
  private final boolean kills;

  /** What was changed, in order. */
  public final List<String> steps = new ArrayList<>();

  private KillingDisk(int at, boolean before, boolean kills) {
    this.at = at;
    this.before = before;
    this.kills = kills;
  }

  /** Nothing happens to it. */
  public static KillingDisk never() {
    return new KillingDisk(Integer.MAX_VALUE, true, true);
  }

  /**
   * It is killed.
   *
   * @param at the number of the change, from 0
   * @param before whether that has not been made then
   */
  public static KillingDisk at(int at, boolean before) {
    return new KillingDisk(at, before, true);
  }

  /** That change fails, and no other. */
  public static KillingDisk failingAt(int at) {
    return new KillingDisk(at, true, false);
  }

  /** To be used. */
  public Disk disk() {
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("tryLock") || method.getName().equals("map")) {
                return call(method, arguments);
              }
              DiskStep step = (DiskStep) arguments[arguments.length - 1];
              int number = steps.size();
              steps.add(method.getName() + " " + step);
              if (number == at && before) {
                throw kills ? new Killed() : new IOException("injected");
              } else if (number > at && kills) {
                throw new Killed(); // what is dead changes nothing
              }
              boolean slow = method.getName().startsWith("sync");
              Object result = slow ? null : call(method, arguments); // nothing outlives the test
              if (number == at && kills) {
                throw new Killed();
              }
              return result;
            });
  }

  private static Object call(java.lang.reflect.Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(Disk.REAL, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
