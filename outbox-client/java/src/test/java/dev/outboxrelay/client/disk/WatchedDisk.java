package dev.outboxrelay.client.disk;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

/** The real disk, on which something else happens just before one chosen operation. */
public final class WatchedDisk {
  private final List<String> operations = new ArrayList<>();
  private Happening happening;
  private String where = "";
  private int number = -1;

  /** What happens. */
  @FunctionalInterface
  public interface Happening {
    void happen() throws IOException;
  }

  /**
   * Once.
   *
   * @param operation its name and step, as in {@code write PAYLOAD}
   */
  public void before(String operation, Happening what) {
    where = operation;
    happening = what;
  }

  /** The same before the operation of this number, from 0. */
  public void beforeNumber(int chosen, Happening what) {
    number = chosen;
    happening = what;
  }

  /** Names and steps of all operations. */
  public List<String> operations() {
    return operations;
  }

  public Disk disk() {
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              Object step = arguments[arguments.length - 1];
              String kind = arguments[0] instanceof java.io.FileDescriptor ? " DESCRIPTOR" : "";
              String operation = method.getName() + " " + step + kind;
              operations.add(operation);
              if (operation.equals(where) || operations.size() - 1 == number) {
                where = "";
                happening.happen();
              }
              try {
                return method.invoke(Disk.REAL, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
