import type { FunctionStatement } from '../../../envelope/expression.ts';
import { unsupported } from './refusal.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Methods, private ones too, of any object in a daemon (Ruby 1.9 to 3.1 with MCollective loaded). */
const OBJECT = words(`
  Array BigDecimal Complex DelegateClass Digest Float Hash Integer JSON Pathname Rational String URI
  __callee__ __dir__ __id__ __method__ __send__ abort at_exit autoload binding callcc caller
  caller_locations catch chomp chop class clone define_singleton_method display dup enum_for eval exec
  exit extend fail fork format freeze gem gem_original_require getc gets global_variables gsub hash
  initialize initialize_clone initialize_copy initialize_dup inspect instance_eval instance_exec
  instance_variable_get instance_variable_set instance_variables itself j jj keys lambda load
  local_variables loop method method_missing methods object_id open p pp pretty_inspect pretty_print
  pretty_print_cycle pretty_print_inspect pretty_print_instance_variables print printf private_methods
  proc protected_methods psych_y public_method public_methods public_send putc puts raise rand readline
  readlines remove_instance_variable require require_relative select send set_trace_func singleton_class
  singleton_method singleton_method_added singleton_method_removed singleton_method_undefined
  singleton_methods sleep spawn sprintf srand sub syscall system systemu taint tap test then throw timeout
  to_a to_enum to_json to_s to_yaml trace_var trap trust untaint untrace_var untrust warn y yield_self
`);

/** Further ones of `MCollective::Data`. */
const MODULE = words(`
  alias_method ancestors append_features attr attr_accessor attr_reader attr_writer class_eval class_exec
  class_variable_get class_variable_set class_variables const_get const_missing const_set
  const_source_location constants ddl ddl_transform_input ddl_validate define_method deprecate_constant
  extend_object extended include included included_modules instance_method instance_methods
  load_data_sources method_added method_removed method_undefined module_eval module_exec module_function
  name pluginname prepend prepend_features prepended private private_class_method private_constant
  private_instance_methods protected protected_instance_methods public public_class_method public_constant
  public_instance_method public_instance_methods refine remove_class_variable remove_const remove_method
  ruby2_keywords undef_method using
`);

const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

/**
 * A daemon runs a function as `Data.send(name, params)` and reads its output as `result.send(value)`, whatever these
 * are: `system('…')` would be a command, for callers who may do no more than discovery. Data plugins and outputs of
 * such names cannot be reached, so nothing is lost.
 * @throws Rejection `unsupported_filter`
 */
export const checkCall = ({ name, value }: FunctionStatement): void => {
  if (!isName(name) || OBJECT.has(name) || MODULE.has(name))
    throw unsupported(name, 'to a legacy daemon it is no data function but a method of Ruby’s');
  if (value !== null && (!isName(value) || OBJECT.has(value)))
    throw unsupported(`${name}().${value}`, 'to a legacy daemon it is no output but a method of Ruby’s');
};
