# MCollective 2.12.5 calls YAML.safe_load(text, classes, symbols, aliases); since Psych 4 (Ruby 3.1) all but the
# text are keywords, so facts stay empty and the YAML serializer fails. Loaded with RUBYOPT=-r.
require 'yaml'

Psych.singleton_class.prepend(Module.new do
  def safe_load(text, classes = [], symbols = [], aliases = false, **options)
    super(text, permitted_classes: classes, permitted_symbols: symbols, aliases: aliases, **options)
  end
end)
